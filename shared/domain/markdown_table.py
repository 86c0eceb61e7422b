"""Tables of Markdown, line by line: what is a head, where cells begin and end."""

from __future__ import annotations

import itertools
import re

_DELIMITERS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")


def is_head(line: str, below: str) -> bool:
    """Whether two lines begin a table."""
    bars = "|" in line or "|" in below
    return bars and _DELIMITERS.match(below) is not None and len(cells(below)) == len(cells(line))


def cells(line: str) -> list[tuple[int, int]]:
    """(start, end) of each cell; an escaped bar splits nothing."""
    bars = [match.start() for match in re.finditer(r"(?<!\\)\|", line)]
    start, stop = len(line) - len(line.lstrip(" \t")), len(line.rstrip(" \t"))
    if bars and bars[0] == start:
        start, bars = start + 1, bars[1:]
    if bars and bars[-1] == stop - 1:
        stop, bars = stop - 1, bars[:-1]
    edges = [start - 1, *bars, stop]
    return [(left + 1, right) for left, right in itertools.pairwise(edges)]
