"""What a shell line holds for another program: the text of a here-document is no command, but where a shell reads it."""

from __future__ import annotations

import re

_OPENS = re.compile(
    r"(?<!<)<<(?P<tabs>-?)[ \t]*(?:'(?P<single>[^'\n]+)'|\"(?P<double>[^\"\n]+)\"|(?P<bare>\\?[\w.-]+))"
)
_FOR_OTHERS = re.compile(
    r"(?:^|[\s/;&|(])(?:python|pypy)[\d.]*(?=\s|$)|\bgit\s+(?:apply|am)\b|\bpatch\b"
    r"|(?:>|\btee\b)[^\n;&|]*\.(?!(?:ba|da|k|z)?sh\b|mk\b)\w+"
)
_FOR_A_SHELL = re.compile(r"(?:^|[\s/;&|(])(?:(?:ba|da|k|z)?sh|make|xargs|source)(?=[\s;&|)<>]|$)")
_EXPANDED = re.compile(r"\$\(|`")


def opens(script: str, at: int) -> re.Match[str] | None:
    """The here-document that begins there, where nothing is quoted."""
    return _OPENS.match(script, at)


def after(script: str, line: str, at: int, opened: list[re.Match[str]]) -> int:
    """Where the script goes on behind the texts that begin at `at` and were opened in `line`; `at` where they may hold
    commands: one that a shell reads, or that is never ended, or anything that is not known to be for others."""
    if _FOR_A_SHELL.search(line) or not _FOR_OTHERS.search(line):
        return at
    position = at
    for each in opened:
        end = _end_of(script, position, each)
        if end is None or (each["bare"] and "\\" not in each["bare"] and _EXPANDED.search(script[position:end])):
            return at
        position = end
    return position


def _end_of(script: str, position: int, opened: re.Match[str]) -> int | None:
    word = opened["single"] or opened["double"] or opened["bare"].removeprefix("\\")
    tabs = r"\t*" if opened["tabs"] else ""
    found = re.compile(rf"^{tabs}{re.escape(word)}$\n?", re.MULTILINE).search(script, position)
    return found.end() if found else None
