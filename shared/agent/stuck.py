"""Is the agent getting anywhere? Pure, on digests of calls and results.

A ladder: say so once (nudge), begin a fresh context with a hand-over (restart), ask for the end (wrap up), give up.
Each pattern nudges once in a context.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.domain.protocol import CallResult
from shared.domain.step import AskedCall

# Pattern: (count at which it is said, count at which the context is begun anew).
LADDER: dict[str, tuple[int, int]] = {
    "repeat": (3, 5),  # the same call with the same result, in a row
    "alternate": (3, 5),  # A B A B: pairs in a row
    "error": (3, 6),  # the same error from whatever calls, in a row
    "idle": (12, 24),  # steps without a change and without a result that is new
    "failing": (4, 10),  # edits while the same tests go on failing
    "silent": (2, 4),  # answers without a call, in a row
}
RESTARTS_MAX = 1
LAST_STEPS = 4  # after the agent was asked to wrap up
WINDOW = 12
VOLATILE_TAIL = 2_000  # characters

_VOLATILE = re.compile(r"0x[0-9a-fA-F]+|\b\d+(?:\.\d+)?\s?(?:s|ms|seconds|sec)\b")
_FAILED = re.compile(r"^(?:FAILED|ERROR)\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Nudge:
    pattern: str


@dataclass(frozen=True, slots=True)
class Restart:
    pattern: str


@dataclass(frozen=True, slots=True)
class WrapUp:
    pattern: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    pattern: str


Advice = Nudge | Restart | WrapUp | GiveUp


@dataclass(frozen=True, slots=True)
class Deed:
    """One call with its result, as digests. `error` is empty when it went well."""

    call: str
    result: str
    error: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a context to see patterns; grows by one step at a time."""

    deeds: tuple[Deed, ...] = ()
    known: frozenset[str] = frozenset()
    idle: int = 0
    failing: str = ""
    edits: int = 0
    silent: int = 0
    nudged: frozenset[str] = frozenset()
    restarts: int = 0
    wrapping: int | None = None


def remember(memory: Memory, calls: Sequence[AskedCall], results: dict[str, CallResult], *, changed: bool) -> Memory:
    """The memory after one more answer and the results of its calls, which are given by the calls' names."""
    done = [(call, results[call.name]) for call in calls if call.name in results]
    deeds = [_deed(call, result) for call, result in done]
    fresh = {deed.result for deed in deeds if not deed.error} - memory.known
    failing, edits = _failing(memory, done)
    return replace(
        memory,
        deeds=(*memory.deeds, *deeds)[-WINDOW:],
        known=memory.known | fresh if fresh else memory.known,
        idle=0 if changed or fresh else memory.idle + 1,
        failing=failing,
        edits=edits,
        silent=0 if calls else memory.silent + 1,
        wrapping=None if memory.wrapping is None else memory.wrapping + 1,
    )


def look(memory: Memory) -> Advice | None:
    """What to do about the gravest pattern, if there is one."""
    if memory.wrapping is not None:
        return GiveUp("stuck") if memory.wrapping >= LAST_STEPS else None
    counts = count(memory)
    for pattern, (_, limit) in LADDER.items():
        if counts[pattern] >= limit:
            return Restart(pattern) if memory.restarts < RESTARTS_MAX else WrapUp(pattern)
    for pattern, (first, _) in LADDER.items():
        if counts[pattern] >= first and pattern not in memory.nudged:
            return Nudge(pattern)
    return None


def follow(memory: Memory, advice: Advice) -> Memory:
    """The memory once the advice was given."""
    match advice:
        case Nudge(pattern):
            return replace(memory, nudged=memory.nudged | {pattern})
        case Restart():
            return Memory(restarts=memory.restarts + 1)
        case WrapUp():
            return replace(memory, wrapping=0)
        case GiveUp():
            return memory


def count(memory: Memory) -> dict[str, int]:
    """How often each pattern of `LADDER` is there in a row, at the end."""
    deeds = memory.deeds
    return {
        "repeat": _run_of([(deed.call, deed.result) for deed in deeds]),
        "alternate": _pairs([(deed.call, deed.result) for deed in deeds]),
        "error": _run_of([deed.error or object() for deed in deeds]),
        "idle": memory.idle,
        "failing": memory.edits,
        "silent": memory.silent,
    }


def _run_of(items: Sequence[object]) -> int:
    run = 0
    for item in reversed(items):
        if item != items[-1]:
            break
        run += 1
    return run


def _pairs(items: Sequence[object]) -> int:
    """Whole pairs `A B` with A other than B at the end of the list."""
    if len(items) < 4 or items[-1] == items[-2]:
        return 0
    run = 2
    while run < len(items) and items[-1 - run] == items[-1 - run + 2]:
        run += 1
    return run // 2


def _deed(call: AskedCall, result: CallResult) -> Deed:
    bad = result.status in ("error", "refused", "timeout") or bool(result.exit)
    # Times and addresses are looked for where test runners print them; the rest counts as it is.
    text = result.text[:-VOLATILE_TAIL] + _VOLATILE.sub("#", result.text[-VOLATILE_TAIL:])
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return Deed(
        call=_digest(call.tool, call.args),
        result=_digest(result.status, result.exit, text),
        error=_digest(result.status, last) if bad and last else "",  # silence (grep without a hit) is no error
    )


def _failing(memory: Memory, done: Sequence[tuple[AskedCall, CallResult]]) -> tuple[str, int]:
    """The signature of the tests that fail, and how many edits were made while it stayed the same."""
    failing, edits = memory.failing, memory.edits
    for call, result in done:
        if call.tool in ("edit", "write"):
            edits += 1 if failing else 0
        elif call.tool in ("bash", "prove"):
            names = sorted(set(_FAILED.findall(result.text)))
            if names and _digest(names) != failing:
                failing, edits = _digest(names), 0
            elif not names and result.status == "ok" and not result.exit and call.tool == "prove":
                failing, edits = "", 0
    return failing, edits


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
