"""Lines of Markdown: by what signs blocks begin and end, and how far a line is moved in.

Patterns follow spec.commonmark.org (0.31).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_TAG_NAME = r"[A-Za-z][A-Za-z0-9-]*"
_ATTRIBUTE = r"""\s+[A-Za-z_:][A-Za-z0-9_.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
OPEN_TAG = rf"<{_TAG_NAME}(?:{_ATTRIBUTE})*\s*/?>"
CLOSE_TAG = rf"</{_TAG_NAME}\s*>"

_BLOCK_NAMES = (
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link "
    "main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td tfoot th thead "
    "title tr track ul source"
).split()
RENDERERS_DIFFER = re.compile(r"</?(?:textarea|search|source)\b", re.IGNORECASE)

# (how a block of raw HTML begins, how it ends; None: at a blank line)
HTML = (
    (
        re.compile(r"<(?:script|pre|textarea|style)(?:[ \t>]|$)", re.IGNORECASE),
        re.compile(r"</(?:script|pre|textarea|style)>", re.IGNORECASE),
    ),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<![A-Za-z]"), re.compile(r">")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(rf"</?(?:{'|'.join(_BLOCK_NAMES)})(?:[ \t]|/?>|$)", re.IGNORECASE), None),
    (re.compile(rf"(?:{OPEN_TAG}|{CLOSE_TAG})[ \t]*$"), None),
)
_WHOLE_TAG = len(HTML) - 1  # the last may not interrupt a paragraph

ATX = re.compile(r"#{1,6}(?:[ \t]|$)")
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
NOTE = re.compile(r"\[\^([^\] \t]+)\]:[ \t]*")
BULLET = re.compile(r"[-+*](?=[ \t]|$)")
NUMBER = re.compile(r"(\d{1,9})[.)](?=[ \t]|$)")


@dataclass(slots=True)
class Container:
    kind: Literal["quote", "item", "note"]
    needed: int = 0
    label: str = ""
    empty: bool = False


@dataclass(slots=True)
class Cursor:
    """A place in one line, counted in columns as tabs make them."""

    line: str
    pos: int = 0
    column: int = 0

    def look(self) -> tuple[int, int]:
        """(columns of blanks ahead, position after them)."""
        at, column = self.pos, self.column
        while at < len(self.line) and self.line[at] in " \t":
            column += 1 if self.line[at] == " " else 4 - column % 4
            at += 1
        return column - self.column, at

    def advance(self, columns: int) -> None:
        """Over that many columns of blanks; a tab may be passed in part."""
        while columns > 0 and self.pos < len(self.line) and self.line[self.pos] in " \t":
            wide = 1 if self.line[self.pos] == " " else 4 - self.column % 4
            step = min(wide, columns)
            self.column += step
            columns -= step
            if step == wide:
                self.pos += 1

    def skip(self, at: int) -> None:
        """To a position behind this one."""
        while self.pos < at:
            self.column += 4 - self.column % 4 if self.line[self.pos] == "\t" else 1
            self.pos += 1


def after_quote(cursor: Cursor, at: int) -> None:
    """Over the `>` that stands at a position, and the one blank that belongs to it."""
    cursor.skip(at + 1)
    cursor.advance(1)


def begin_item(cursor: Cursor, indent: int, at: int, in_paragraph: bool) -> Container | None:
    """The list item that a line begins, the cursor behind its marker; None when it begins none. A paragraph is broken
    only by an item that is not empty and, where numbered, is the first.
    """
    line = cursor.line
    bullet, number = BULLET.match(line, at), NUMBER.match(line, at)
    marker = bullet or number
    if marker is None:
        return None
    empty = not line[marker.end() :].strip(" \t")
    if in_paragraph and (empty or (number is not None and int(number[1]) != 1)):
        return None
    cursor.skip(marker.end())
    width = marker.end() - at
    blanks, _ = cursor.look()
    if empty or blanks > 4:
        cursor.advance(1)
        return Container("item", needed=indent + width + 1, empty=empty)
    cursor.advance(blanks)
    return Container("item", needed=indent + width + blanks)


def html_kind(line: str, at: int, in_paragraph: bool) -> int | None:
    """Which of `HTML` begins at a position; a tag of any name does not break a paragraph."""
    if line[at] != "<":
        return None
    for number, (begins, _ends) in enumerate(HTML):
        if begins.match(line, at) and not (number == _WHOLE_TAG and in_paragraph):
            return number
    return None
