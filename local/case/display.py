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
    r"|No changes were made|more than one occurrence of|No file (?:is )?open|No edit history found",
    re.IGNORECASE,
)
_EXISTS = re.compile(r"(?:file|path)\b.{0,200} already exists", re.IGNORECASE | re.DOTALL)  # of a file to be made
# ... and at its beginning.
_REFUSED = re.compile(
    r"\s*(?:Usage: |Error: |Parameter `|Invalid `|Unrecognized command |The (?:parent )?(?:path|directory) \S+ (?:does not|is )"
    r"|goto allows only|Ran into |\S*(?:bash|sh): .*(?:syntax error|unexpected EOF))"
)
_APPLIED = re.compile(
    r"has been edited|Text replaced|File updated|File created successfully|undone successfully", re.IGNORECASE
)
_NOT_RUN = re.compile(r"was NOT executed|is not supported by this environment|blocklisted")
_SHOWN_LINE = re.compile(r"^(?:\d+:| *\d+\t).*$", re.MULTILINE)


def was_refused(observation: str) -> bool:
    """Whether the published interface says that it did nothing, of a command that is not understood here either."""
    return edit_was_refused(observation, makes_file=True) or "command not found" in _said(observation).lower()


def edit_was_refused(observation: str, *, makes_file: bool, with_others: bool = False) -> bool:
    """Whether the published interface says that it did not apply an edit.

    `makes_file`: it was to make a file, which may exist. `with_others`: other commands stood in the same step, whose
    output is in the observation too; then a word that the edit was made counts for more than any other.
    """
    said = _said(observation)
    if with_others and _APPLIED.search(said):
        return False
    refused = _NOT_APPLIED.search(said) or _REFUSED.match(said) or (makes_file and _EXISTS.search(said))
    return bool(refused)


def _said(observation: str) -> str:
    """Without the lines of a file that are shown: they say nothing of what became of a command."""
    return _SHOWN_LINE.sub("", observation.replace("\r\n", "\n"))


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
