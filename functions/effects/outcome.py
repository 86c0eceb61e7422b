"""What came of one effect. A refusal is a value: decide tells the person, in words that GitHub or we gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.domain.record import Put
from shared.errors import PersevereError
from shared.github.answers import Forbidden, Gone, NotFound, Refusal, Unprocessable
from shared.ports import TokenRefused

Error = Literal[
    "",
    "locked",  # the conversation takes no comments
    "gone",  # what it was about is deleted
    "permission",  # no token, or one without the right
    "forbidden",  # GitHub's 403, words in remote
    "unprocessable",  # GitHub's 422 and other refusals, words in remote
    "policy",  # the change may not be published; remote has problems
    "bad_changeset",
    "moved",  # the branch is not where we left it; remote has found
    "closed",  # our pull request exists and is closed
    "no_change",
    "too_long",  # nothing differs from the base
    "final",  # another port refused for good
    "trouble",  # gave up: no answer, or 5xx, too often
    "fault",  # gave up: our own mistake; remote has its number in the log
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`remote`: ids and facts of what is outside now. `links` are records that are stored with the outcome."""

    state: Literal["done", "refused", "gave_up"]
    remote: dict[str, Any] = field(default_factory=dict)
    error: Error = ""
    links: tuple[Put, ...] = ()


class Lost(PersevereError):
    """Somebody else has the effect now; nothing more may be written for it."""


def done(remote: Mapping[str, Any] | None = None, *links: Put) -> Outcome:
    return Outcome("done", dict(remote or {}), "", links)


def refused(error: Error, **remote: Any) -> Outcome:
    return Outcome("refused", remote, error)


def of_refusal(refusal: Refusal) -> Outcome:
    """What a refusal means where a performer has no better reading of it."""
    words = refusal.words
    if refusal.details:
        words += f" ({'; '.join(refusal.details)})"
    match refusal:
        case Forbidden() if refusal.locked:
            return refused("locked", words=words)
        case Unprocessable() if refusal.says("is locked", "locked conversation"):
            return refused("locked", words=words)
        case Forbidden() if refusal.permission_missing:
            return refused("permission", words=words)
        case Forbidden():
            return refused("forbidden", words=words)
        case NotFound() | Gone():
            return refused("gone", words=words)
        case _:
            return refused("unprocessable", words=words, status=refusal.status)


def of_token(error: TokenRefused) -> Outcome:
    return refused("permission", words=str(error), advice=error.advice)
