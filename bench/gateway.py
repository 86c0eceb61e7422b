"""What the gateway costs a step, what each provider costs to import, and how much of a request is the one before it.

The prefix is measured on the bodies that each provider's own module renders from the requests of a real job: tools, then
standing text, then messages, in the order in which providers cache; markers that only say where a cache may end are left
out. Steps at which the history is folded, or begun afresh, are counted apart.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import overhead
from shared.ports import Answer, Request, Usage

CALLS = 60
STEPS = 100
PREFIX_GOAL = 0.95
MODULES = ("anthropic", "openai", "gemini", "compatible")
MODELS = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-6.1-sol",
    "gemini": "gemini-4-argon",
    "compatible": "qwen",
}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Milliseconds of one ask without the model: two durable commits and two reads. `disk`: two bare commits beside it."""

    median: float
    p95: float
    disk: float


@dataclass(frozen=True, slots=True)
class Prefix:
    """`mean` and `lowest`: which part of a request's bytes stands unchanged at the beginning of the next one."""

    provider: str
    mean: float
    lowest: float
    folds: int


class Instant:
    """A model that answers at once, and remembers what it was asked."""

    def __init__(self, inner: Any = None) -> None:
        self.inner, self.requests = inner, list[Request]()

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self.requests.append(request)
        if self.inner is not None:
            answer: Answer = self.inner.ask(request, deadline_s, alive)
            return answer
        return Answer("ok", (), Usage(1_000, cached=900, output=50), "end", {})


def measure(calls: int = CALLS) -> Gateway:
    """One slot after the other, on a durable SQLite table."""
    from local.clock import SystemClock
    from local.ids import SystemIds
    from local.store import SqliteStore
    from shared.domain import keys
    from shared.domain.ledger import Ledger
    from shared.domain.money import NANO
    from shared.domain.protocol import Reply
    from shared.domain.record import ANY, Put, Record
    from shared.domain.step import Asking, StepState
    from shared.llm.gateway import Gateway as Asker
    from shared.llm.models import Models
    from shared.llm.slot import Ask, Slot, Taken

    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as home:
        clock, model = SystemClock(), Instant()
        store = SqliteStore(Path(home) / "persevere.db", clock)
        ledger = keys.ledger(overhead.PK, 1)
        money = Ledger(limit_nano=10_000 * NANO, limit_seconds=1).model_dump(mode="json")
        store.commit(Put(Record(ledger, "ledger", money), ANY))
        asker = Asker(store, clock, SystemIds(), Models({"scripted": lambda _: model}))
        taken, disk = [], []
        for number in range(calls):
            key, state = keys.step(overhead.JOB, number), StepState(step=number)
            request = Request("scripted:demo", "system", (), ({"role": "user", "text": "x" * 4_000},), 4_000)
            taken_as = Taken(Reply(step=number))
            ask = Ask(request, 5_000, 4_000, Asking(asker="", until=0, hold=""), partial(_same, taken_as))
            slot = Slot(key, "step", ledger, f"{overhead.JOB}/{number}", "build")
            record = Record(key, "step", state.model_dump(mode="json"))
            began = time.perf_counter()
            asker.ask(slot, state, record, ask)
            taken.append((time.perf_counter() - began) * 1000)
            disk.append(overhead.two_commits(store, number))
        store.close()
    taken.sort()
    return Gateway(statistics.median(taken), taken[int(len(taken) * 0.95)], statistics.median(disk))


def _same(taken: Any, _answer: Answer) -> Any:
    return taken


def imports(rounds: int = 3) -> Mapping[str, float]:
    """Milliseconds that each provider's module takes in a process that has what every function has; least of some."""
    code = (
        "import time, shared.llm.gateway, shared.llm.providers; began = time.perf_counter(); "
        "import shared.llm.{0}_model; print((time.perf_counter() - began) * 1000)"
    )
    return {
        name: min(
            float(subprocess.check_output([sys.executable, "-c", code.format(name)], text=True)) for _ in range(rounds)
        )
        for name in MODULES
    }


def prefixes(steps: int = STEPS) -> list[Prefix]:
    """A job of that many steps through the real door, rendered for each provider."""
    requests = _requests(steps)
    return [_prefix(provider, requests) for provider in MODULES]


def _requests(steps: int) -> list[Request]:
    from functions import world

    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as home, overhead.quiet():
        here = overhead.make_world(Path(home), steps)
        heard = Instant(here.models.get("scripted:demo"))
        here = overhead.with_model(here, heard)
        world.use(here)
        try:
            overhead.run(here, steps)
        finally:
            world.use(None)
            here.store.close()
    return heard.requests


def _prefix(provider: str, requests: list[Request]) -> Prefix:
    render = import_module(f"shared.llm.{provider}_model").render
    bodies = [_laid_out(render(request, MODELS[provider])) for request in requests]
    shares, folds = [], 0
    for (earlier, before), (request, body) in pairwise(zip(requests, bodies, strict=True)):
        if earlier.turns == request.turns[: len(earlier.turns)]:
            shares.append(_common(before, body) / len(before))
        else:
            folds += 1
    return Prefix(provider, statistics.fmean(shares), min(shares), folds)


FIRST = ("tools", "system", "instructions", "systemInstruction", "system_instruction")
LAST = ("messages", "input", "contents")


def _laid_out(rendered: Any) -> bytes:
    """The body's parts in the order in which providers cache them, without markers and without closing brackets."""
    body = rendered[0] if isinstance(rendered, tuple) else rendered
    parts = [json.dumps(_unmarked(body[name])) for name in FIRST if name in body]
    parts += [json.dumps(_unmarked(each)) for name in LAST for each in body.get(name, ())]
    return "\n".join(parts).encode()


def _unmarked(value: Any) -> Any:
    match value:
        case dict():
            return {key: _unmarked(each) for key, each in value.items() if key != "cache_control"}
        case list() | tuple():
            return [_unmarked(each) for each in value]
        case _:
            return value


def _common(one: bytes, other: bytes) -> int:
    least = min(len(one), len(other))
    return next((place for place in range(least) if one[place] != other[place]), least)
