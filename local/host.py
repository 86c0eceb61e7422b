"""`python -m local.host`: the functions on one machine, in one process.

It serves the URL doors over HTTP on loopback, rings conductor and effects for the store's changes, winds the watchdog
each second, and prints nothing: structured logs go to `<home>/host.log`. Runners are processes apart and outlive it;
a host that is started again goes on where the last one stood.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from local.host_lock import alone
from local.worker import Worker
from shared.errors import NotConfigured
from shared.settings import Settings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.world import World
    from local.blobs import FileBlobs
    from local.http_server import Door
    from local.store import SqliteStore
    from local.tasks import SubprocessTasks

Handler = Callable[[dict[str, Any], Any], Any]

LEAVE_S = 8.0
"""How long the batches at hand may take to end after SIGTERM; what does not end is rung for again."""

# As the functions are configured on AWS: seconds before one is cut off.
TIMEOUTS = {"github_webhook": 10.0, "job_api": 600.0, "conductor": 60.0, "effects": 60.0}


def handler_of(function: str) -> Handler:
    """The entry point of one of our functions."""
    return cast("Handler", importlib.import_module(f"functions.{function}.handler").handler)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Exit code 2 when a setting is wrong or the port or the home is taken."""
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--ready-file", type=Path, help='written as {"url", "pid"} once requests are answered')
    parser.add_argument("--for", dest="what", default="`python -m local.host`", help="what this host was started for")
    options = parser.parse_args(argv)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        settings = read(os.environ)
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(settings.home, options.what), logging_to(settings.home / "host.log"):
            serve(settings, over, options.ready_file)
    except NotConfigured as error:
        sys.stderr.write(f"FAIL  {error}.  {error.advice}\n")
        return 2
    return 0


@dataclass(frozen=True)
class Company:
    """Who works beside the host's own consumers. `workers` are made for the world that was built and the address at
    which it answers; `leaving` is called when nobody takes new work any more and runners are still answered.
    """

    workers: Callable[[World, str], Sequence[Worker]] = lambda _world, _url: ()
    leaving: Callable[[], None] = lambda: None


ALONE = Company()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Standard output and error go to that file, whoever writes them."""
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "persevere")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Persevere")
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield
    finally:
        for stream in cast("tuple[IO[str], IO[str]]", (sys.stdout, sys.stderr)):
            stream.flush()
        for number, handle in enumerate(kept, start=1):
            os.dup2(handle, number)
            os.close(handle)


def serve(settings: Settings, over: threading.Event, ready_file: Path | None = None, company: Company = ALONE) -> None:
    """Run everything until `over` is set. Raises NotConfigured where the world or the port is not to be had."""
    from aws_lambda_powertools import Logger

    from functions.world import use
    from local.http_server import Application, listen
    from local.world import build

    logger = Logger(service="host")
    application = Application()
    try:
        server = listen(application, settings.port)
    except OSError as error:
        raise NotConfigured(
            f"port {settings.port} cannot be had: {error.strerror}", "set PERSEVERE_PORT to a free one"
        ) from error
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        world = build(settings, url)
        use(world)
        workers: list[Worker] = [*consumers(settings, world), *company.workers(world, url)]
        application.open(doors(striking(settings.home)), cast("FileBlobs", world.blobs))
        listening = threading.Thread(target=server.serve_forever, args=(0.05,), name="http", daemon=True)
        listening.start()
        for worker in workers:
            worker.start()
        logger.info("host.started", url=url, world=settings.world, without=sorted(settings.without))
        if ready_file:
            write_ready(ready_file, url)
        over.wait()
        logger.info("host.leaving")
        if company is ALONE:
            application.close()
        leave(workers)
        company.leaving()
        application.close()
        server.shutdown()
        listening.join(1.0)
    finally:
        server.server_close()
        use(None)
    logger.info("host.left")


def striking(home: Path) -> Callable[[Handler], Handler]:
    """Whoever stands before the runners' door: nobody, but in a trial that kills machines on purpose."""
    plan = os.environ.get("PERSEVERE_STRIKE")
    if not plan:
        return lambda handler: handler
    from local.strikes import Striking, read_plan, strikes_of

    return lambda handler: Striking(handler, read_plan(plan, strikes_of(home)), home)


def doors(before: Callable[[Handler], Handler] = lambda handler: handler) -> tuple[Door, ...]:
    """The functions that have a URL."""
    from local.http_server import Door

    return (
        Door("github_webhook", "/webhook", TIMEOUTS["github_webhook"], handler_of("github_webhook")),
        Door("job_api", "/v1", TIMEOUTS["job_api"], before(handler_of("job_api"))),
    )


def consumers(settings: Settings, world: World) -> list[Worker]:
    """Who is rung by the stream, the clock and the tasks, but for those that the settings leave out."""
    from local.clockwork import Clockwork
    from local.stream import Stream, rings_conductor, rings_effects
    from local.stream_pump import StreamPump
    from local.task_events import TaskEvents

    store = cast("SqliteStore", world.store)
    found: list[Worker] = [
        StreamPump(Stream(store, world.clock, name, wanted), handler_of(name), TIMEOUTS[name])
        for name, wanted in (("conductor", rings_conductor), ("effects", rings_effects))
        if name not in settings.without
    ]
    if "watchdog" not in settings.without:
        found.append(Clockwork(handler_of("watchdog"), world.clock.now))
        found.append(TaskEvents(cast("SubprocessTasks", world.tasks), handler_of("watchdog"), world.clock.now))
    return found


def leave(workers: Sequence[Worker], seconds: float = LEAVE_S) -> bool:
    """Let the work at hand come to its end, all of it within so long; whether it did."""
    for worker in workers:
        worker.stop()
    until = time.monotonic() + seconds
    return all(worker.join(max(0.0, until - time.monotonic())) for worker in workers)


def write_ready(path: Path, url: str) -> None:
    """Renamed into place, so that a reader never sees half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
