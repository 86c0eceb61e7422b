"""Ceilings above one job: money a day and a month, asking a repository a day. What a job may spend is set aside first.

What counts is one line a job (or an issue's asking), summed by query; a gate that every reservation writes makes two of
them conflict, so that both cannot pass on the same sum.

Who finds no room waits in the order of coming: what is wanted by who came earlier is kept for them, so that small work
does not pass large work for ever. Nothing is kept for who cannot begin before the ceiling renews (it is spent already),
nor for who has not looked for long; so nobody is waited for who will not come, and the oldest waits for nobody who waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from shared.domain import keys
from shared.domain.operator import Operator
from shared.domain.record import Key
from shared.domain.shape import Shape

Per = Literal["day", "month", "asking"]
KEPT_DAYS = 40
ALL = "ALL"
GONE_MS = 25 * 60_000  # who waits looks every ten minutes; who has not looked for so long is not there any more


class Charge(Shape):
    """What a piece of work has set aside since a day (UTC). `before`: what its ledger had spent when it began; `line`: the
    name that it counts under, where that is not the work's own: asking has one a day, so that a month knows of each.
    `installation`: under whose month it counts to its end, wherever the issue is moved meanwhile (0: an older version
    wrote it, and it is the work's own). An issue's repository has the same id for ever.
    """

    day: str
    before: int
    nano: int
    line: str = ""
    installation: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What one piece of work counts under a ceiling; while it is `at_work` it may give some of it back."""

    nano: int
    at_work: bool


class Waiter(Shape):
    """Work of the issue `pk` that waits for `nano` since a time, and looked last at another (UTC ms).

    It waits for that ceiling alone which was in its way: what others are short of meanwhile would be of no use to it.
    """

    name: str
    pk: str
    per: Per
    nano: int
    since: int
    looked: int
    installation: int
    repository: int
    asking: bool = False
    line: str = ""  # as in `Charge`

    def wants(self, per: Per, installation: int, repository: int) -> bool:
        """Whether it waits for money under that ceiling of that installation and repository."""
        same = {"day": True, "month": self.installation == installation, "asking": self.repository == repository}
        return per == self.per and same[per]


@dataclass(frozen=True, slots=True)
class Purse:
    """One ceiling as it stood when it was read: `taken` by name is what each job counts, `at_work` are those of them that
    may give something back, `waiting` those that found no room. `limit` None: unlimited.
    """

    per: Per
    pk: str
    limit: int | None
    taken: Mapping[str, int] = field(default_factory=dict)
    at_work: frozenset[str] = frozenset()
    waiting: tuple[Waiter, ...] = ()

    def left(self, without: str) -> int | None:
        """What is free for that name, whatever it has set aside itself; None where there is no ceiling."""
        if self.limit is None:
            return None
        return self.limit - sum(nano for name, nano in self.taken.items() if name != without)

    def with_line(self, name: str, nano: int) -> Purse:
        """As it is once that name, where it counts here at all, counts so much."""
        return replace(self, taken={**self.taken, name: nano}) if name in self.taken else self

    def kept_for_others(self, name: str, now: int) -> int:
        """What those want who have waited longer than `name`, as far as they can begin before the ceiling renews."""
        kept = 0
        for each in sorted(self.waiting, key=lambda waiter: (waiter.since, waiter.name)):
            if each.name == name:
                break
            own = each.line or each.name
            spent = sum(nano for line, nano in self.taken.items() if line not in self.at_work and line != own)
            asked = min(each.nano, self.limit or 0)
            if now - each.looked <= GONE_MS and spent + kept + asked <= (self.limit or 0):
                kept += asked
        return kept


@dataclass(frozen=True, slots=True)
class NoRoom:
    """A ceiling that leaves no room now. `until` (UTC ms) is when it begins anew; `kept` is what there would be, and is
    kept for who has waited longer.
    """

    per: Per
    limit: int
    taken: int
    asked: int
    until: int
    kept: int = 0


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


def room(
    purses: Mapping[Per, Purse],
    pers: tuple[Per, ...],
    name: str,
    nano: int,
    now: int,
    *,
    line: str = "",
    in_turn: bool = True,
) -> NoRoom | None:
    """The first ceiling under which `nano` does not fit, or None. More than a whole ceiling asks for all of it.

    What `line` (else `name`) counts already is not counted against it. Without `in_turn` nobody's waiting counts: for work that has begun.
    """
    for per in pers:
        purse = purses.get(per)
        left = purse.left(line or name) if purse is not None else None
        if purse is None or purse.limit is None or left is None:
            continue
        asked, taken = min(nano, purse.limit), purse.limit - left
        if asked > left:
            return NoRoom(per, purse.limit, taken, nano, renews(per, now))
        kept = purse.kept_for_others(name, now) if in_turn else 0
        if asked > left - kept:
            return NoRoom(per, purse.limit, taken, nano, renews(per, now), kept)
    return None


def line_key(pk: str, name: str) -> Key:
    return Key(pk, f"JOB#{name}")
