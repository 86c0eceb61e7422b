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

from shared.domain.markdown_lines import (
    ATX,
    BULLET,
    FENCE,
    HTML,
    NOTE,
    NUMBER,
    RENDERERS_DIFFER,
    RULE,
    SETEXT,
    Container,
    Cursor,
    after_quote,
    begin_item,
    html_kind,
)
from shared.domain.markdown_table import is_head

LeafKind = Literal["paragraph", "heading", "html", "code", "fence"]

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
class _Open:
    """The leaf that may go on with the next line."""

    leaf: Leaf
    ends: re.Pattern[str] | None = None  # html: what ends it
    ticks: str = ""  # fence: what closes it
    table: bool = False  # paragraph: it has become a table, whose rows are not continued as prose is


@dataclass(slots=True)
class _Parser:
    text: str
    leaves: list[Leaf] = field(default_factory=list)
    stack: list[Container] = field(default_factory=list)
    open: _Open | None = None
    doubt: int | None = None
    notes: list[str] = field(default_factory=list)

    def line(self, start: int, line: str) -> None:
        cursor = Cursor(line)
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

    def _match(self, cursor: Cursor) -> int:
        """How many of the open containers this line goes on with."""
        for number, container in enumerate(self.stack):
            indent, at = cursor.look()
            blank = at == len(cursor.line)
            match container.kind:
                case "quote":
                    if blank or indent > 3 or cursor.line[at] != ">":
                        return number
                    after_quote(cursor, at)
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

    def _in_fence(self, start: int, cursor: Cursor) -> None:
        assert self.open is not None
        indent, at = cursor.look()
        ticks = self.open.ticks
        rest = cursor.line[at:].rstrip(" \t")
        if indent <= 3 and len(rest) >= len(ticks) and rest == ticks[0] * len(rest):
            self.open = None
            return
        self.open.leaf.spans.append((start + cursor.pos, start + len(cursor.line)))

    def _in_html(self, start: int, cursor: Cursor) -> bool:
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

    def _new(self, start: int, cursor: Cursor, matched: int, whole: bool) -> None:
        fresh = False
        while True:
            indent, at = cursor.look()
            if at == len(cursor.line) or indent > 3:
                break
            in_paragraph = self.open is not None and not self.open.table and whole and not fresh
            container = self._container(start, cursor, indent, at, in_paragraph)
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

    def _container(self, start: int, cursor: Cursor, indent: int, at: int, in_paragraph: bool) -> Container | None:
        line = cursor.line
        if line[at] == ">":
            after_quote(cursor, at)
            return Container("quote")
        note = NOTE.match(line, at)
        if note:
            cursor.skip(note.end())
            self.notes.append(note[1].casefold())
            return Container("note", label=note[1])
        if RULE.match(line, at) or (in_paragraph and SETEXT.match(line, at)):
            return None
        item = begin_item(cursor, indent, at, in_paragraph)
        if (
            item is None
            and in_paragraph
            and self._definitions_only()
            and (BULLET.match(line, at) or NUMBER.match(line, at))
        ):
            self._doubt(start)  # some end a paragraph after a link definition
        return item

    def _leaf(self, start: int, cursor: Cursor, at: int, in_paragraph: bool, cut: int | None) -> bool:
        """Open a leaf that begins with its own sign. `cut` closes containers that the line did not go on with."""
        line = cursor.line
        lazy = (
            self.open is not None and not self.open.table and cut is not None
        )  # a paragraph that this line could go on with
        heading = ATX.match(line, at)
        underline = in_paragraph and SETEXT.match(line, at)
        fence = FENCE.match(line, at)
        html = html_kind(line, at, lazy)
        if html is None and lazy and self._definitions_only() and html_kind(line, at, False) is not None:
            self._doubt(start)  # some end a paragraph after a link definition
        if underline and line[at] == "-" and self._one_cell():
            self._doubt(start)  # a heading to some, to others a table of one column
        if html is not None and RENDERERS_DIFFER.match(line, at):
            self._doubt(start)
        if not (fence or html is not None or heading or underline or RULE.match(line, at)):
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
            ends = HTML[html][1]
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

    def _one_cell(self) -> bool:
        """Whether the open paragraph's last line could be a table's head of one cell."""
        assert self.open is not None
        start, end = self.open.leaf.spans[-1]
        line = self.text[start:end].strip(" \t")
        return "|" in line and "|" not in line.replace("\\|", "").removeprefix("|").removesuffix("|")

    def _definitions_only(self) -> bool:
        """Whether the open paragraph may be nothing but link definitions."""
        return self.open is not None and self.text.startswith("[", self.open.leaf.spans[0][0])

    def _text(self, start: int, cursor: Cursor, matched: int, whole: bool, fresh: bool) -> None:
        indent, at = cursor.look()
        blank = at == len(cursor.line)
        end = start + len(cursor.line)
        row = self.open is not None and self.open.table
        if self.open is not None and not fresh and not blank and not (row and (indent > 3 or not whole)):
            self._go_on(start + at, end, lazy=not whole)
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

    def _go_on(self, start: int, end: int, *, lazy: bool) -> None:
        assert self.open is not None
        spans = self.open.leaf.spans
        spans.append((start, end))
        above, below = (self.text[first:last] for first, last in spans[-2:])
        self.open.table = self.open.table or (not lazy and is_head(above, below))

    def _filled(self) -> None:
        for container in self.stack:
            container.empty = False

    def _add(self, kind: LeafKind, start: int = -1, end: int = -1) -> Leaf:
        note = next((each.label for each in self.stack if each.kind == "note"), None)
        leaf = Leaf(kind, [(start, end)] if start >= 0 else [], note)
        self.leaves.append(leaf)
        return leaf


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
