"""The box of a spec comment: whether an edit ticked it, un-ticked it, or did anything else."""

from __future__ import annotations

import re
from typing import Literal

Tick = Literal["ticked", "unticked", "other"]

# Our line and no other: a check that is shown in the comment may hold boxes of its own.
_BOX = re.compile(r"^(- \[)([ xX])\] \*\*Approve(?:d\*\* by | v\d+ and )", re.MULTILINE)


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def has_box(text: str) -> bool:
    """Whether a text has a line of ours with a box, ticked or not."""
    return _BOX.search(_lf(text)) is not None


def has_ticked_box(text: str) -> bool:
    """Whether a line of ours has a ticked box."""
    return any(match[2] != " " for match in _BOX.finditer(_lf(text)))


def untick(text: str) -> str:
    """The text with our box cleared."""
    return _BOX.sub(
        lambda match: match[0][: match.start(2) - match.start()] + " " + match[0][match.end(2) - match.start() :],
        _lf(text),
    )


def find_tick(before: str, after: str) -> Tick:
    """What an edit did: the two texts differ in our box and in nothing else, or it is something other.

    GitHub sends CRLF where a browser edited; line ends count as equal.
    """
    old, new = _lf(before), _lf(after)
    if len(old) != len(new):
        return "other"
    differing = [at for at, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
    if len(differing) != 1:
        return "other"
    at = differing[0]
    if not any(match.start(2) == at for match in _BOX.finditer(old)):
        return "other"
    match (old[at], new[at]):
        case (" ", "x" | "X"):
            return "ticked"
        case ("x" | "X", " "):
            return "unticked"
        case _:
            return "other"
