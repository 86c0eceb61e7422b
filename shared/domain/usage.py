"""Ceilings above one job: money a day and a month, asking a repository a day. What a job may spend is set aside first.

What counts is one line a job (or an issue's asking), summed by query; a gate that every reservation writes makes two of
them conflict, so that both cannot pass on the same sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from shared.domain import keys
from shared.domain.operator import Operator
from shared.domain.record import Key
from shared.domain.shape import Shape

Per = Literal["day", "month", "asking"]
KEPT_DAYS = 40
ALL = "ALL"


class Charge(Shape):
    """What a piece of work has set aside since a day (UTC). `before`: what its ledger had spent when it began."""

    day: str
    before: int
    nano: int


@dataclass(frozen=True, slots=True)
class Purse:
    """One ceiling as it stood when it was read: `taken` by name is what each job counts. `limit` None: unlimited."""

    per: Per
    pk: str
    limit: int | None
    taken: Mapping[str, int] = field(default_factory=dict)

    def left(self, without: str) -> int | None:
        """What is free for that name, whatever it has set aside itself; None where there is no ceiling."""
        if self.limit is None:
            return None
        return self.limit - sum(nano for name, nano in self.taken.items() if name != without)


@dataclass(frozen=True, slots=True)
class NoRoom:
    """A ceiling that leaves no room now. `until` (UTC ms) is when it begins anew."""

    per: Per
    limit: int
    taken: int
    asked: int
    until: int


def day_of(now: int) -> str:
    """`2026-11-24` of UTC milliseconds."""
    return f"{_at(now):%Y-%m-%d}"


def _at(now: int) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC)


def renews(per: Per, now: int) -> int:
    """When a ceiling begins anew, UTC ms: at midnight, or on the first of a month."""
    today = _at(now).replace(hour=0, minute=0, second=0, microsecond=0)
    next_one = (
        (today.replace(day=1) + timedelta(days=32)).replace(day=1) if per == "month" else today + timedelta(days=1)
    )
    return int(next_one.timestamp() * 1000)


def scopes(operator: Operator, installation: int, repository: int, day: str) -> tuple[tuple[Per, str, int | None], ...]:
    """Every ceiling that can bear on a repository's work on that day: what for, its partition, the limit."""
    return (
        ("day", keys.usage_pk(day, ALL), operator.day_nano),
        ("month", keys.usage_pk(day[:7], f"I{installation}"), operator.month_nano),
        ("asking", keys.usage_pk(day, f"R{repository}"), operator.asking_repository_day_nano),
    )


def room(purses: Mapping[Per, Purse], pers: tuple[Per, ...], name: str, nano: int, now: int) -> NoRoom | None:
    """The first ceiling under which `nano` does not fit, or None. More than a whole ceiling asks for all of it."""
    for per in pers:
        purse = purses.get(per)
        left = purse.left(name) if purse is not None else None
        if purse is None or purse.limit is None or left is None:
            continue
        if min(nano, purse.limit) > left:
            return NoRoom(per, purse.limit, purse.limit - left, nano, renews(per, now))
    return None


def line_key(pk: str, name: str) -> Key:
    return Key(pk, f"JOB#{name}")
