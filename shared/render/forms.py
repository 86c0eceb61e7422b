"""The one form in which money, time, moments, commits and names are written in every text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shared.domain.ledger import Ledger
from shared.domain.money import dollars, minutes
from shared.domain.people import Person

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _utc(at: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at)


def clock(at: int) -> str:
    """`14:02 UTC` of UTC milliseconds."""
    return f"{_utc(at):%H:%M} UTC"


def day(at: int) -> str:
    """`29 Nov` of UTC milliseconds."""
    when = _utc(at)
    return f"{when.day} {MONTHS[when.month - 1]}"


def moment(at: int, now: int) -> str:
    """`14:02 UTC` today, `29 Nov 14:02 UTC` on any other day."""
    return clock(at) if _utc(at).date() == _utc(now).date() else f"{day(at)} {clock(at)}"


def when(at: int, now: int) -> str:
    """`at 14:02 UTC` today, `on 29 Nov 14:02 UTC` on any other day."""
    return f"{'at' if _utc(at).date() == _utc(now).date() else 'on'} {moment(at, now)}"


def until(at: int) -> str:
    """A deadline, always with its day: `29 Nov 14:12 UTC`."""
    return f"{day(at)} {clock(at)}"


def short(sha: str) -> str:
    """Seven hex digits of a commit, as inline code."""
    return f"`{re.sub(r'[^0-9a-f]', '', sha)[:7] or 'unknown'}`"


def spent(ledger: Ledger) -> str:
    """`$1.12 of $6.00`. What is only held is not shown as spent."""
    return f"{dollars(ledger.spent_nano)} of {dollars(ledger.limit_nano)}"


def worked(ledger: Ledger) -> str:
    """`9 of 60 min` of container time."""
    return f"{minutes(ledger.spent_seconds)} of {minutes(ledger.limit_seconds)} min"


def took(seconds: float) -> str:
    """`0.4 s` below ten seconds, whole seconds below two minutes, then minutes."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{round(seconds)} s" if seconds < 120 else f"{minutes(seconds)} min"


def count(number: int, one: str, many: str = "") -> str:
    """`1 comment`, `3 comments`; `many` where an s does not do."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def login(who: Person | str | None) -> str:
    """A login as a word that mentions nobody. Anything that no login can hold is left out."""
    name = who.login if isinstance(who, Person) else who or ""
    return re.sub(r"[^A-Za-z0-9\-_\[\]]", "", name)[:60].replace("[", "\\[").replace("]", "\\]").replace("_", "\\_")


def mention(who: Person | str) -> str:
    """`@octocat`: for texts that ask one person."""
    return f"@{re.sub(r'[^A-Za-z0-9_-]', '', who.login if isinstance(who, Person) else who)[:60]}"


def sentence(words: str) -> str:
    """Words of somebody else's as a sentence: a capital, a full stop."""
    words = words[:1].upper() + words[1:]
    return words if not words or words.endswith((".", "?", ":")) else f"{words}."


def turn(who: str) -> str:
    """`octocat's turn`; nobody's when no one is named."""
    return f"{who}'s turn" if who else "nobody's turn"


def listed(words: list[str]) -> str:
    """`AC-1`, `AC-1 and AC-3`, `AC-1, AC-3 and AC-4`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
