"""What it costs to start a fenced command, and what a flood of output costs the runner's memory."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from runner_image.sandbox.contract import Place, Sandbox
    from runner_image.tools.contract import Bench

RUNS = 30
FLOOD_BYTES = 600_000_000
VIEW_GOAL_MS = 60.0
BACKENDS = ("bwrap", "uid", "uid:none", "container", "none")


@dataclass(frozen=True, slots=True)
class Started:
    """Milliseconds from call to answer of `true` (`median`, `p95`) and of the tool `view` on a small file (median); `made`
    is the sandbox itself, `tested` its self-test.
    """

    backend: str
    made: float
    tested: float
    median: float
    p95: float
    view: float


@dataclass(frozen=True, slots=True)
class Flood:
    """How many megabytes the runner's process grew by, at its largest, while a command printed `printed` of them."""

    backend: str
    printed: float
    grown: float


def measure() -> tuple[list[Started], list[Flood]]:
    """Each backend that this machine has."""
    from runner_image.sandbox.contract import NoSandbox

    started = []
    for backend in BACKENDS:
        with tempfile.TemporaryDirectory(prefix="persevere-bench-") as directory:
            try:
                started.append(_start(backend, Path(directory)))
            except NoSandbox:
                continue
    return started, [_flood_alone(each.backend) for each in started]


def _flood_alone(backend: str) -> Flood:
    """In a process of its own: what this one needed at its largest would hide what a flood takes."""
    command = [sys.executable, "-m", "bench.sandbox", backend]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return Flood(**json.loads(done.stdout.splitlines()[-1]))


def _start(backend: str, directory: Path) -> Started:
    from runner_image.sandbox.choice import choose
    from runner_image.sandbox.contract import Command, Place
    from runner_image.sandbox.interpreter import find_interpreter
    from runner_image.sandbox.selftest import run_self_test

    interpreter = find_interpreter(None)
    began = time.perf_counter()
    sandbox = choose(backend, interpreter, directory / "private", os.environ)
    made = time.perf_counter()
    place = Place(directory / "work" / "tree", directory / "work" / "home")
    for room in (place.workspace, place.home):
        room.mkdir(parents=True)
        sandbox.own(room)
    ready = time.perf_counter()
    run_self_test(sandbox, place)
    tested = time.perf_counter()
    (place.workspace / "small.py").write_text("value = 1\n" * 100, "ascii")
    bench = _bench(sandbox, place, directory)
    taken = _times(lambda: sandbox.run(place, Command("true", 20)))
    viewed = _times(lambda: _view(bench))
    return Started(
        backend,
        made=(made - began) * 1000,
        tested=(tested - ready) * 1000,
        median=statistics.median(taken),
        p95=taken[int(RUNS * 0.95)],
        view=statistics.median(viewed),
    )


def _times(call: Callable[[], object]) -> list[float]:
    """Milliseconds, sorted."""
    taken = []
    for _ in range(RUNS):
        at = time.perf_counter()
        call()
        taken.append((time.perf_counter() - at) * 1000)
    return sorted(taken)


def _bench(sandbox: Sandbox, place: Place, directory: Path) -> Bench:
    from runner_image.heartbeat import Progress
    from runner_image.job import Job
    from runner_image.orders import Orders
    from runner_image.tools.contract import Bench
    from runner_image.workspace import Checkout
    from shared.domain.protocol import Claimed

    claimed = {
        "token": "t",
        "epoch": 1,
        "job": "j",
        "kind": "build",
        "repository": "octo-org/octo-repo",
        "clone": {"url": "x", "base": "y"},
        "limits": {"seconds": 3600},
    }
    nobody = cast(Any, None)  # neither the door nor git is reached by a look
    job = Job(Claimed.model_validate(claimed), nobody, Orders(), Progress(), sandbox, directory)
    return Bench(job, Checkout(nobody, directory, place, sandbox))


def _view(bench: Bench) -> None:
    from runner_image.tools.view import ViewArgs, run_view

    assert run_view(bench, ViewArgs(path="small.py")).text.startswith("     1\tvalue")


def _flood(backend: str, directory: Path) -> Flood:
    from runner_image.sandbox.choice import choose
    from runner_image.sandbox.contract import Command, Place
    from runner_image.sandbox.interpreter import find_interpreter

    sandbox = choose(backend, find_interpreter(None), directory / "private", os.environ)
    place = Place(directory / "work" / "tree", directory / "work" / "home")
    for room in (place.workspace, place.home):
        room.mkdir(parents=True)
        sandbox.own(room)
    sandbox.run(place, Command("true", 20))
    before = _largest()
    ran = sandbox.run(place, Command(f"head -c {FLOOD_BYTES} /dev/zero", 120, spool=directory / "spool"))
    grown = _largest() - before
    if ran.output.size < FLOOD_BYTES:
        raise RuntimeError(f"{backend}: only {ran.output.size:,} bytes came, it {ran.end} with {ran.exit}")
    return Flood(backend, ran.output.size / 1e6, grown / 1024)


def _largest() -> int:
    """Kilobytes that this process had at its largest.

    getrusage's number is handed down through fork and exec, so it may be a parent's, and nothing would ever grow.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return int(status.read_text("ascii").partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as scratch:
        sys.stdout.write(json.dumps(asdict(_flood(sys.argv[1], Path(scratch)))) + "\n")
