"""The block structure of a Markdown text, as far as it decides what a person sees: which lines are code, which are raw
HTML, which are prose. Positions only; nothing is rendered.

Follows the algorithm of spec.commonmark.org (0.31, "Appendix: A parsing strategy") with footnotes as in cmark-gfm.
Where renderers differ about where a block of HTML begins or ends, what follows cannot be told for sure; it is said from
where on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

LeafKind = Literal["paragraph", "heading", "html", "code", "fence"]

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
_RENDERERS_DIFFER = re.compile(r"</?(?:textarea|search|source)\b", re.IGNORECASE)

# (how a block of raw HTML begins, how it ends; None: at a blank line)
_HTML = (
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
_WHOLE_TAG = len(_HTML) - 1  # the last may not interrupt a paragraph

_ATX = re.compile(r"#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
_SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_NOTE = re.compile(r"\[\^([^\] \t]+)\]:[ \t]*")
_BULLET = re.compile(r"[-+*](?=[ \t]|$)")
_NUMBER = re.compile(r"(\d{1,9})[.)](?=[ \t]|$)")


NO_NOTE = "\0"  # the label of footnotes that are defined twice: which one is shown depends on the renderer
MAX_DEPTH = 100  # as cmark-gfm has it for lists; deeper nesting is nobody's prose


@dataclass(slots=True)
class Leaf:
    """Some lines that are read as one: `spans` are (start, end) in the text. `note`: the footnote it belongs to.

    For a `fence` the span is what stands after the opening ticks (the info string, which nobody sees).
    """

    kind: LeafKind
    spans: list[tuple[int, int]]
    note: str | None = None


@dataclass(slots=True)
class _Container:
    kind: Literal["quote", "item", "note"]
    needed: int = 0
    label: str = ""
    empty: bool = False


@dataclass(slots=True)
class _Cursor:
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


@dataclass(slots=True)
class _Open:
    """The leaf that may go on with the next line."""

    leaf: Leaf
    ends: re.Pattern[str] | None = None  # html: what ends it
    ticks: str = ""  # fence: what closes it


@dataclass(slots=True)
class _Parser:
    text: str
    leaves: list[Leaf] = field(default_factory=list)
    stack: list[_Container] = field(default_factory=list)
    open: _Open | None = None
    doubt: int | None = None
    notes: list[str] = field(default_factory=list)

    def line(self, start: int, line: str) -> None:
        cursor = _Cursor(line)
        matched = self._match(cursor)
        indent, at = cursor.look()
        if (
            matched < len(self.stack)
            and self.stack[matched].kind == "quote"
            and indent > 3
            and line[at : at + 1] == ">"
        ):
            self._doubt(start)  # to some renderers the quote goes on, however far its sign is moved in
        whole = matched == len(self.stack)
        if self.open and self.open.leaf.kind != "paragraph" and not whole:
            self.open = None
        if self.open and self.open.leaf.kind == "code":
            self._in_fence(start, cursor)
            return
        if self.open and self.open.leaf.kind == "html" and self._in_html(start, cursor):
            return
        self._new(start, cursor, matched, whole)

    # --- going on -------------------------------------------------------------------------------------------

    def _match(self, cursor: _Cursor) -> int:
        """How many of the open containers this line goes on with."""
        for number, container in enumerate(self.stack):
            indent, at = cursor.look()
            blank = at == len(cursor.line)
            match container.kind:
                case "quote":
                    if blank or indent > 3 or cursor.line[at] != ">":
                        return number
                    _after_quote(cursor, at)
                case "item":
                    if blank and container.empty:
                        return number
                    if not blank and indent < container.needed:
                        return number
                    cursor.advance(container.needed)
                case "note":
                    if not blank and indent < 4:
                        return number
                    cursor.advance(4)
        return len(self.stack)

    def _in_fence(self, start: int, cursor: _Cursor) -> None:
        assert self.open is not None
        indent, at = cursor.look()
        ticks = self.open.ticks
        rest = cursor.line[at:].rstrip(" \t")
        if indent <= 3 and len(rest) >= len(ticks) and rest == ticks[0] * len(rest):
            self.open = None
            return
        self.open.leaf.spans.append((start + cursor.pos, start + len(cursor.line)))

    def _in_html(self, start: int, cursor: _Cursor) -> bool:
        """Whether the line belongs to the open HTML block."""
        assert self.open is not None
        _, at = cursor.look()
        if self.open.ends is None and at == len(cursor.line):
            self.open = None
            return False
        self.open.leaf.spans.append((start + cursor.pos, start + len(cursor.line)))
        if self.open.ends is not None and self.open.ends.search(cursor.line, cursor.pos):
            self.open = None
        return True

    # --- something new --------------------------------------------------------------------------------------

    def _new(self, start: int, cursor: _Cursor, matched: int, whole: bool) -> None:
        fresh = False
        while True:
            indent, at = cursor.look()
            if at == len(cursor.line) or indent > 3:
                break
            in_paragraph = self.open is not None and whole and not fresh
            container = self._container(cursor, indent, at, in_paragraph)
            if container is not None:
                if not fresh:
                    del self.stack[matched:]
                self.open, fresh = None, True
                self.stack.append(container)
                if len(self.stack) > MAX_DEPTH:
                    self._doubt(start)
                    return
                continue
            if self._leaf(start, cursor, at, in_paragraph, None if fresh else matched):
                return
            break
        self._text(start, cursor, matched, whole, fresh)

    def _container(self, cursor: _Cursor, indent: int, at: int, in_paragraph: bool) -> _Container | None:
        line = cursor.line
        if line[at] == ">":
            _after_quote(cursor, at)
            return _Container("quote")
        note = _NOTE.match(line, at)
        if note:
            cursor.skip(note.end())
            self.notes.append(note[1].casefold())
            return _Container("note", label=note[1])
        if _RULE.match(line, at) or (in_paragraph and _SETEXT.match(line, at)):
            return None
        return _item(cursor, indent, at, in_paragraph)

    def _leaf(self, start: int, cursor: _Cursor, at: int, in_paragraph: bool, cut: int | None) -> bool:
        """Open a leaf that begins with its own sign. `cut` closes containers that the line did not go on with."""
        line = cursor.line
        lazy = self.open is not None and cut is not None  # a paragraph that this line could go on with
        fence = _FENCE.match(line, at)
        html = _html_kind(line, at, lazy)
        if html is None and lazy and self._definitions_only() and _html_kind(line, at, False) is not None:
            self._doubt(start)  # some end a paragraph after a link definition
        if html is not None and _RENDERERS_DIFFER.match(line, at):
            self._doubt(start)
        heading = _ATX.match(line, at)
        underline = in_paragraph and _SETEXT.match(line, at)
        if not (fence or html is not None or heading or underline or _RULE.match(line, at)):
            return False
        if cut is not None:
            del self.stack[cut:]
        self.open = None
        self._filled()
        end = start + len(line)
        if fence:
            ticks = fence[1] or fence[3]
            self._add("fence", start + at + len(ticks), end)
            code = self._add("code")
            self.open = _Open(code, ticks=ticks)
        elif html is not None:
            ends = _HTML[html][1]
            block = self._add("html", start + at, end)
            if ends is None or not ends.search(line, at):
                self.open = _Open(block, ends=ends)
        elif heading:
            self._add("heading", start + at, end)
        return True

    def _doubt(self, start: int) -> None:
        """From the open paragraph on, or else from here."""
        if self.doubt is None:
            self.doubt = self.open.leaf.spans[0][0] if self.open is not None and self.open.leaf.spans else start

    def _definitions_only(self) -> bool:
        """Whether the open paragraph may be nothing but link definitions."""
        return self.open is not None and self.text.startswith("[", self.open.leaf.spans[0][0])

    def _text(self, start: int, cursor: _Cursor, matched: int, whole: bool, fresh: bool) -> None:
        indent, at = cursor.look()
        blank = at == len(cursor.line)
        end = start + len(cursor.line)
        if self.open is not None and not fresh and not blank:
            self.open.leaf.spans.append((start + at, end))  # goes on, or does so lazily
            return
        if not fresh:
            del self.stack[matched:]
        self.open = None
        if blank:
            return
        self._filled()
        if indent > 3:
            self._add("code", start + cursor.pos, end)
        else:
            self.open = _Open(self._add("paragraph", start + at, end))

    def _filled(self) -> None:
        for container in self.stack:
            container.empty = False

    def _add(self, kind: LeafKind, start: int = -1, end: int = -1) -> Leaf:
        note = next((each.label for each in self.stack if each.kind == "note"), None)
        leaf = Leaf(kind, [(start, end)] if start >= 0 else [], note)
        self.leaves.append(leaf)
        return leaf


def _after_quote(cursor: _Cursor, at: int) -> None:
    cursor.skip(at + 1)
    cursor.advance(1)


def _item(cursor: _Cursor, indent: int, at: int, in_paragraph: bool) -> _Container | None:
    line = cursor.line
    bullet, number = _BULLET.match(line, at), _NUMBER.match(line, at)
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
        return _Container("item", needed=indent + width + 1, empty=empty)
    cursor.advance(blanks)
    return _Container("item", needed=indent + width + blanks)


def _html_kind(line: str, at: int, in_paragraph: bool) -> int | None:
    if line[at] != "<":
        return None
    for number, (begins, _ends) in enumerate(_HTML):
        if begins.match(line, at) and not (number == _WHOLE_TAG and in_paragraph):
            return number
    return None


def leaves(text: str) -> tuple[list[Leaf], int]:
    """Every leaf of the text (LF line ends) in order, and the position from which on renderers differ about what is
    what (its length: they do not).
    """
    parser = _Parser(text)
    for start, line in _lines(text):
        parser.line(start, line)
        if parser.doubt is not None:
            break
    for leaf in parser.leaves:
        if leaf.note is not None and parser.notes.count(leaf.note.casefold()) > 1:
            leaf.note = NO_NOTE
    return parser.leaves, len(text) if parser.doubt is None else parser.doubt


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1
