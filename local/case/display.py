"""What a published observation showed of the open file: which lines, and their text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HEAD = re.compile(r"^\[File: (?P<path>.+?) \((?P<total>\d+) lines total\)\]\s*$", re.MULTILINE)
_ABOVE = re.compile(r"^\((\d+) more lines above\)\s*$", re.MULTILINE)
_CURSOR = re.compile(r"<<<<< (?:START|END) CURSOR >>>>>\s*$")  # between the lines of an interface with cursors
_LINE = re.compile(r"^(\d+):(.*)$")

# What the interfaces say of a command that they refused, anywhere in what they say ...
_NOT_APPLIED = re.compile(
    r"changes have NOT been applied|introduced new syntax error|edit was not applied|No replacement was performed"
    r"|No changes were made|(?:file|path)\b.{0,200} already exists|more than one occurrence of|No file (?:is )?open"
    r"|No edit history found|command not found",
    re.IGNORECASE | re.DOTALL,
)
# ... and at its beginning.
_REFUSED = re.compile(
    r"\s*(?:Usage: |Error: |Parameter `|Invalid `|Unrecognized command |The (?:parent )?(?:path|directory) \S+ (?:does not|is )"
    r"|goto allows only|Ran into |\S*(?:bash|sh): .*(?:syntax error|unexpected EOF))"
)
_NOT_RUN = re.compile(r"was NOT executed|is not supported by this environment|blocklisted")
_SHOWN_LINE = re.compile(r"^(?:\d+:| *\d+\t).*$", re.MULTILINE)


def was_refused(observation: str) -> bool:
    """Whether the published interface says that it did nothing. The lines of a file that it shows say nothing of that."""
    said = _SHOWN_LINE.sub("", observation.replace("\r\n", "\n"))
    return _NOT_APPLIED.search(said) is not None or _REFUSED.match(said) is not None


def was_not_run(observation: str) -> bool:
    """Whether the published environment says that it did not run a shell line."""
    return _NOT_RUN.search(observation) is not None


@dataclass(frozen=True)
class Display:
    """Lines `first` to `last` of `path` stood on the screen. `lines` holds their text by number."""

    path: str
    first: int
    last: int
    lines: Mapping[int, str] = field(default_factory=dict)


def read_display(observation: str) -> Display | None:
    """The last window of a file in an observation, or None."""
    text = observation.replace("\r\n", "\n")
    heads = list(_HEAD.finditer(text))
    if not heads:
        return None
    shown = text[heads[-1].end() :]
    lines: dict[int, str] = {}
    above = _ABOVE.search(shown)
    wanted = int(above[1]) + 1 if above else 1
    for line in shown.split("\n"):
        found = _LINE.match(line)
        if found and int(found[1]) == wanted:
            lines[wanted] = found[2]
            wanted += 1
        elif lines and not _CURSOR.match(line):
            break
    if not lines:
        return Display(heads[-1]["path"], 1, max(1, int(heads[-1]["total"])))
    return Display(heads[-1]["path"], min(lines), max(lines), lines)
