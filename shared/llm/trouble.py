"""What follows when a provider does not answer: wait and ask again, go on with another model, or end it. Pure.

A row a cause; how long is waited, and how often, is bounded by the clock and by a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.operator import Operator
from shared.domain.provider_words import out_words
from shared.domain.step import Asking, Out
from shared.ports import ModelBusy

Way = Literal["again", "other", "shorter", "end"]

WAYS: dict[str, Way] = {
    "rate": "again",
    "overloaded": "again",
    "lost": "again",  # it hangs, or breaks off
    "spend_cap": "other",  # raised by a person at the provider, never by waiting
    "key": "other",
    "model": "other",
    "too_long": "shorter",  # and when that is no help, another one: its window or its account may be larger
    "refused": "end",  # another model might answer, but that is for a person to choose
    "request": "end",
    "exhausted": "end",
}
PATIENCE_MS = 60_000  # with one provider, where another model can go on
ALONE_MS = 600_000  # with all of them
ROUND_MS = 60_000  # between two rounds of asking everybody
TRIES_MAX = 40  # in a row
SHORTER_MAX = 2
TOLD_MS = 60_000  # a wait of that length is shown; and shown anew as often
PAUSE_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is tried. `cause` is the reply's."""

    cause: str
    why: str


def may_ask(model: str, operator: Operator) -> tuple[str, ...]:
    """The models of one job or plan in the order in which they are asked: the chosen one, then the fall-backs."""
    return tuple(dict.fromkeys((model or operator.model, *operator.fallbacks)))


def way_of(cause: str) -> Way:
    """An error without a row is one of the model."""
    return WAYS.get(cause, "other")


def pause_ms(after_s: float, tries: int, seed: str) -> int:
    """What the provider asked for, and never less than our own growing pause with its jitter (1, 2, 4 ... 30 s)."""
    chance = int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    own = min(PAUSE_MAX_S, 2.0 ** min(tries - 1, 10)) * (0.5 + chance / 2)
    return int(max(after_s, own, 0.2) * 1000)


def put_off(asking: Asking, busy: ModelBusy, others: Sequence[str], now: int) -> Asking | Over:
    """The asking after "come again": the same model later, another one now, or the end."""
    since, tries = asking.busy_since or now, asking.busy_tries + 1
    pause = pause_ms(busy.after_s, tries, asking.asker)
    patience = ALONE_MS if _alone(asking, others) else PATIENCE_MS
    later = asking.model_copy(
        update={"busy": busy.cause, "busy_since": since, "busy_tries": tries, "until": now + pause}
    )
    if busy.long or way_of(busy.cause) != "again" or now + pause - since > patience or tries >= TRIES_MAX:
        return without(later, busy.cause, others, now, passing=way_of(busy.cause) == "again" and not busy.long)
    return later


def without(asking: Asking, cause: str, others: Sequence[str], now: int, *, passing: bool = False) -> Asking | Over:
    """The asking once its model is out: the next one takes its place; when all are out, those that may come back (their
    trouble is `passing`) are asked again, round after round, for a while.
    """
    since = asking.busy_since or now
    outs = (
        *(each for each in asking.outs if each.model != asking.model),
        Out(model=asking.model, cause=cause, since=since, passing=passing),
    )
    left = asking.model_copy(update={"outs": outs})
    fresh = _next(left, others)
    blank = {"busy": "", "busy_since": 0, "busy_tries": 0, "until": now}
    if fresh is not None:
        return left.model_copy(update={"model": fresh, **blank})
    back_soon = {each.model: each for each in outs if each.passing}
    if not back_soon or now + ROUND_MS - min(each.since for each in back_soon.values()) > ALONE_MS:
        return Over("busy" if way_of(cause) == "again" else cause, all_out(outs))
    again = back_soon[_following(asking.model, [each for each in (asking.model, *others) if each in back_soon])]
    waiting = {"model": again.model, "busy": again.cause, "busy_since": again.since, "until": now + ROUND_MS}
    return left.model_copy(update=waiting | {"busy_tries": 0})


def back(asking: Asking) -> Asking:
    """The asking of a model that has answered: it is not out, and not busy."""
    outs = tuple(each for each in asking.outs if each.model != asking.model)
    return asking.model_copy(update={"outs": outs, "busy": "", "busy_since": 0, "busy_tries": 0})


def worth_telling(before: Asking, after: Asking, now: int) -> bool:
    """Whether people should hear of it: another model goes on, or a wait has become long (and again each minute)."""
    if after.model != before.model or len(after.outs) > len(before.outs):
        return True
    return bool(after.busy_since) and after.until - after.busy_since >= TOLD_MS and now - after.told_at >= TOLD_MS


def all_out(outs: Sequence[Out]) -> str:
    return "; ".join(out_words(each) for each in outs)


def _next(asking: Asking, others: Sequence[str]) -> str | None:
    out = {each.model for each in asking.outs}
    return next((each for each in others if each != asking.model and each not in out), None)


def _alone(asking: Asking, others: Sequence[str]) -> bool:
    """Whether no other model will ever go on: there is none, or a person has to mend it first."""
    gone = {each.model for each in asking.outs if not each.passing}
    return not any(each != asking.model and each not in gone for each in others)


def _following(model: str, names: list[str]) -> str:
    """The one behind `model` in a ring of names."""
    ring = list(dict.fromkeys(names))
    return ring[(ring.index(model) + 1) % len(ring)] if model in ring else ring[0]
