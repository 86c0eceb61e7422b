"""Cold start of every function as it is packaged: a fresh interpreter of the runtime's version, the package alone on its path."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass

from infra.bundle import HANDLERS, find_compiler, make_bundles
from infra.trial import machine, try_import

ROUNDS = 7
GOAL_MS = {"github_webhook": 150.0}
"""250 ms is the most that is allowed; 150 is what is tried for."""
PEERS = {
    "terraform-aws-github-runner, its Node.js door": ("93-128 ms", "74 MB"),
    "PR-Agent's Lambda": ("6-8 s", "292 MB"),
}
"""Measured on a machine like this one, 2026-11-22: the import alone, and the package unpacked."""


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds, medians of fresh processes: the handler's import, what of that the processor worked (the same on a busy
    machine), and everything of ours in the package after it. Megabytes unpacked and packed, for Lambda on arm64."""

    function: str
    imported: float
    processor: float
    reached: float
    unpacked: float
    packed: float


@dataclass(frozen=True, slots=True)
class Starts:
    """`why_not`: why nothing was tried on this machine."""

    functions: tuple[Start, ...]
    bare: float = 0.0
    why_not: str = ""


def measure(rounds: int = ROUNDS) -> Starts:
    python, here = find_compiler(), machine()
    if python is None or here is None:
        return Starts((), why_not="no interpreter of the runtime's version (3.13) on this machine")
    tried, uploaded = make_bundles(here), make_bundles()
    starts = []
    for name in HANDLERS:
        trials = [try_import(python, tried[name]) for _ in range(rounds + 1)][1:]  # the first one warms the file cache
        starts.append(
            Start(
                name,
                statistics.median(each.imported for each in trials),
                statistics.median(each.processor for each in trials),
                statistics.median(each.reached for each in trials),
                uploaded[name].unzipped / 1e6,
                uploaded[name].zipped() / 1e6,
            )
        )
    return Starts(tuple(starts), statistics.median(_bare(python) for _ in range(rounds)))


def _bare(python: str) -> float:
    began = time.perf_counter()
    subprocess.run([python, "-I", "-S", "-c", "pass"], check=True)
    return (time.perf_counter() - began) * 1000
