"""What it costs to start a fenced command, and what a flood of output costs the runner's memory."""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

RUNS = 30
FLOOD_BYTES = 600_000_000
BACKENDS = ("bwrap", "uid", "uid:none", "container", "none")


@dataclass(frozen=True, slots=True)
class Started:
    """Milliseconds from call to answer of `true`; `made` is the sandbox itself, `tested` its self-test."""

    backend: str
    made: float
    tested: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Flood:
    """How many megabytes the runner's process grew by, at its largest, while a command printed `printed` of them."""

    printed: float
    grown: float


def measure() -> tuple[list[Started], Flood]:
    """Each backend that this machine has."""
    from runner_image.sandbox.contract import NoSandbox

    started = []
    for backend in BACKENDS:
        with tempfile.TemporaryDirectory(prefix="persevere-bench-") as directory:
            try:
                started.append(_start(backend, Path(directory)))
            except NoSandbox:
                continue
    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as directory:
        return started, _flood(started[0].backend, Path(directory))


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
    taken = []
    for _ in range(RUNS):
        at = time.perf_counter()
        sandbox.run(place, Command("true", 20))
        taken.append((time.perf_counter() - at) * 1000)
    taken.sort()
    return Started(
        backend, (made - began) * 1000, (tested - ready) * 1000, statistics.median(taken), taken[int(RUNS * 0.95)]
    )


def _flood(backend: str, directory: Path) -> Flood:
    from runner_image.sandbox.choice import choose
    from runner_image.sandbox.contract import Command, Place
    from runner_image.sandbox.interpreter import find_interpreter

    sandbox = choose(backend, find_interpreter(None), directory / "private", os.environ)
    place = Place(directory / "work" / "tree", directory / "work" / "home")
    for room in (place.workspace, place.home):
        room.mkdir(parents=True)
        sandbox.own(room)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = sandbox.run(place, Command(f"head -c {FLOOD_BYTES} /dev/zero", 120, spool=directory / "spool"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Flood(ran.output.size / 1e6, grown / 1024)
