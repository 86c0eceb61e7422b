"""`python -m runner_image`: claim a job with the ticket, do it, say the last word, exit with its code.

Nothing of the job outlives the process: its directory is removed, its token was in memory only.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

from runner_image.api import Api
from runner_image.build import HURRY_S, build, closing
from runner_image.endings import GiveUp, Leave, Stopped
from runner_image.heartbeat import Progress, Pulse
from runner_image.job import Job
from runner_image.log import log
from runner_image.orders import Orders
from runner_image.sandbox.choice import NAMES, choose
from runner_image.sandbox.contract import NoSandbox, Place, Sandbox
from runner_image.sandbox.interpreter import find_interpreter
from runner_image.sandbox.selftest import run_self_test
from runner_image.settings import BadSettings, Settings, read_settings
from runner_image.survey import survey
from runner_image.verify import verify
from runner_image.waiting import before_the_end
from runner_image.workspace import clear
from shared.domain.protocol import EXIT_CODES, PROTOCOL, Claim, Finish

SIGNAL_GRACE_S = 18.0


def main(environment: Mapping[str, str]) -> int:
    """The exit code (protocol.EXIT_CODES)."""
    try:
        settings = read_settings(environment)
    except BadSettings as error:
        print(f"persevere runner: {error}", file=sys.stderr)
        return EXIT_CODES["refused"]
    if settings.work:
        settings.work.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="persevere-", dir=settings.work))
    orders = Orders()
    listen_for_signals(orders)
    try:
        return run(settings, environment, directory, orders)
    except Leave as leave:
        log("runner.left", code=leave.code, why=str(leave))
        return leave.code
    except GiveUp as refused:  # the last word, or the claim itself, was not taken
        log("runner.refused", reason=refused.reason, why=refused.summary)
        return EXIT_CODES["refused"]
    finally:
        clear(directory)


def run(settings: Settings, environment: Mapping[str, str], directory: Path, orders: Orders) -> int:
    """Raises Leave, and GiveUp when not even the last word was taken."""
    api = Api(settings.api, settings.unreachable_after_s)
    fence = raise_fence(settings, environment, directory)
    self_test = {"refused": str(fence)} if isinstance(fence, NoSandbox) else test_fence(fence, directory)
    if isinstance(self_test, NoSandbox):
        fence, self_test = self_test, {"refused": str(self_test)}
    log("sandbox.tested", **self_test)
    claim = Claim(ticket=settings.ticket, nonce=secrets.token_hex(16), protocol=PROTOCOL, self_test=self_test)
    claimed = api.claim(claim)
    log("job.claimed", job=claimed.job, kind=claimed.kind, epoch=claimed.epoch, step=claimed.resume.step)
    if isinstance(fence, NoSandbox):
        api.finish(Finish(outcome="gave_up", reason="refused", summary=str(fence)))
        return EXIT_CODES["refused"]
    progress = Progress()
    pulse = Pulse(api, orders, progress, settings.heartbeat_s)
    pulse.start()
    job = Job(claimed, api, orders, progress, fence, directory)
    try:
        finish = do(job, settings, environment)
    finally:
        pulse.end()
    if orders.leave:
        raise orders.leave
    say(api, orders, finish)
    log("job.finished", outcome=finish.outcome, reason=finish.reason, files=finish.files)
    return EXIT_CODES["done"]


def say(api: Api, orders: Orders, finish: Finish) -> None:
    """The last word. Where it is not answered and the machine is taken away meanwhile, it is said once more: a control
    plane that heard it twice has heard it once. Raises Leave, GiveUp.
    """
    if orders.signalled_at is None:
        try:
            before_the_end(orders, "the last word", lambda: api.finish(finish), 0.0)
        except Leave:
            if orders.signalled_at is None:
                raise
        else:
            return
    api.hurry(HURRY_S)
    api.finish(finish)


def do(job: Job, settings: Settings, environment: Mapping[str, str]) -> Finish:
    """The last word of the job. A fault of ours is said too, so that nobody waits for a lease to run out."""
    try:
        match job.claimed.kind:
            case "build" | "fix":
                return build(job, settings.allow_file_clone)
            case "survey":
                return survey(job, settings.allow_file_clone)
            case "verify":
                return verify(job, settings, environment)
            case other:
                assert_never(other)
    except GiveUp as end:
        return closing(job, "gave_up", end.reason, end.summary)
    except Stopped as end:
        return closing(job, "interrupted", end.reason, "Told to leave before the end.")
    except Leave:
        raise
    except Exception as error:  # noqa: BLE001  # the last door
        log("runner.failed", error=type(error).__name__, why=str(error)[:500])
        return closing(job, "gave_up", "refused", f"The runner itself failed: {type(error).__name__}: {error}"[:2000])


def raise_fence(settings: Settings, environment: Mapping[str, str], directory: Path) -> Sandbox | NoSandbox:
    try:
        interpreter = find_interpreter(settings.python)
        return choose(settings.sandbox, interpreter, directory / "sandbox", environment)
    except NoSandbox as error:
        return error


def test_fence(fence: Sandbox, directory: Path) -> dict[str, object] | NoSandbox:
    """What the claim says of it; NoSandbox where a fence does not hold what it promises."""
    place = Place(directory / "test" / "tree", directory / "test" / "home")
    for path in (place.workspace, place.home):
        path.mkdir(parents=True)
        fence.own(path)
    try:
        held = run_self_test(fence, place)
    except NoSandbox as error:
        return error
    if fence.name != "none" and not held.holds:
        return NoSandbox(
            f"Not started: the sandbox ({fence.label('local')}) does not hold what it promises: {'; '.join(held.missing)}. "
            f"Operator: another one by name (PERSEVERE_SANDBOX: {', '.join(NAMES)})."
        )
    return {"sandbox": fence.label("local"), "backend": fence.name, **asdict(held)}


def listen_for_signals(orders: Orders) -> None:
    """SIGTERM and SIGINT become an order, given by a thread; after 18 s without an end, the end."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def listen() -> None:
        os.read(reader, 1)
        log("signal.received")
        timer = threading.Timer(SIGNAL_GRACE_S, lambda: os._exit(EXIT_CODES["unreachable"]))
        timer.daemon = True
        timer.start()  # first: to end what runs may take its time
        orders.stop("signal")

    threading.Thread(target=listen, name="signals", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(os.environ))
