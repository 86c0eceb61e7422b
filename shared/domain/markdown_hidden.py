"""Which characters of a Markdown text nobody sees on the page: comments, tags, picture texts, link titles, definitions,
unused footnotes, cells beyond the table's width.

When in doubt a character counts as hidden: too little is read then, never more than a person saw.
"""

from __future__ import annotations

import html
import itertools
import re
from bisect import bisect_left
from dataclasses import dataclass, field

from shared.domain.characters import is_visible
from shared.domain.markdown_blocks import CLOSE_TAG, OPEN_TAG, Leaf, leaves

IMAGE = "[image]"

# Elements whose content a page does not show as text.
_SWALLOWING = frozenset(
    "script style template svg math object audio video canvas iframe noscript textarea title xmp noembed noframes "
    "select".split()
)

# Elements that part no words; any other begins a line or a box of its own.
_WITHIN_WORDS = frozenset(
    "a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u "
    "var wbr".split()
)

_RAW_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)  # not every parser lets `<!-->` or `--!>` end one
_RAW_OTHER = re.compile(r"<[!?/][^>]*>", re.DOTALL)
_BARE_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*\s*/?>$")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INLINE_TAG = re.compile(rf"{OPEN_TAG}|{CLOSE_TAG}")
_INLINE_OTHER = re.compile(r"<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<![A-Za-z][^>]*>", re.DOTALL)
_DISPUTED = re.compile(r"<!---?>")  # a whole comment to some parsers, to others the beginning of one
_INLINE_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*|[^<>\s@]+@[^<>\s@]+)>")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_TITLE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"""
_TARGET = r"(?:<(?:[^<>\n\\]|\\.)*>|(?!<)(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.|\([^\s()]*\))*\))*)"
_LINK_TAIL = re.compile(rf"\(\s*({_TARGET})(\s+{_TITLE})?\s*\)", re.DOTALL)
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_DEFINITION = re.compile(
    r"\s*\[((?:[^\[\]\\]|\\.){1,999})\]:[ \t]*\n?[ \t]*(?:<(?:[^<>\n\\]|\\.)*>|(?!<)[^\s]+)"
    rf"(?:(?:[ \t]+|[ \t]*\n[ \t]*){_TITLE}[ \t]*(?=\n|\Z)|[ \t]*(?=\n|\Z))",
    re.DOTALL,
)
_PLAIN_TARGET = re.compile(r"(?:https?://|[#./\w])[\w\-./#?=&:@+,;~]{0,300}$")
_DELIMITERS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_LANGUAGE = re.compile(r"[ \t]*[A-Za-z0-9+#-]{1,16}")


@dataclass(slots=True)
class Hidden:
    """Per character: 0 seen, 1 formatting that nobody misses (`<br>`), 2 hidden. `instead`: what a person sees there."""

    marks: bytearray
    instead: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Pass:
    text: str
    hidden: Hidden
    labels: set[str] = field(default_factory=set)
    notes_used: set[str] = field(default_factory=set)
    tags: list[tuple[int, int, bool, str]] = field(default_factory=list)  # start, end, closing, name

    def hide(self, start: int, end: int, mark: int = 2) -> None:
        for at in range(start, min(end, len(self.hidden.marks))):
            self.hidden.marks[at] = max(self.hidden.marks[at], mark)


def find_hidden(text: str) -> Hidden:
    """The marks of one text (LF line ends). An entity that stands for a character that no display shows is hidden."""
    found = _Pass(text, Hidden(bytearray(len(text))))
    blocks, doubt = leaves(text)
    found.hide(doubt, len(text))
    rest: list[tuple[Leaf, int]] = [(leaf, _definitions(found, leaf)) for leaf in blocks]
    for leaf, start in rest:
        match leaf.kind:
            case "paragraph" | "heading":
                _Inline(found, leaf, start).scan()
                if leaf.kind == "paragraph":
                    _table(found, leaf)
            case "html":
                _raw(found, leaf)
            case "fence":
                _info(found, leaf)
            case "code":
                pass
    _swallowed(found)
    for leaf in blocks:
        if leaf.note is not None and _normal(leaf.note) not in found.notes_used:
            _hide_all(found, leaf)
    return found.hidden


def _normal(label: str) -> str:
    return " ".join(label.split()).casefold()


# --- what a leaf's lines say as one -----------------------------------------------------------------------------


def _content(found: _Pass, leaf: Leaf) -> tuple[str, list[int]]:
    """The leaf's lines joined, and where each character stands in the text (line ends at their own place)."""
    parts, places = [], list[int]()
    for number, (start, end) in enumerate(leaf.spans):
        if number:
            parts.append("\n")
            places.append(leaf.spans[number - 1][1])
        parts.append(found.text[start:end])
        places.extend(range(start, end))
    return "".join(parts), places


def _hide(found: _Pass, places: list[int], start: int, end: int, mark: int = 2) -> None:
    for at in places[start:end]:
        found.hide(at, at + 1, mark)


def _hide_all(found: _Pass, leaf: Leaf) -> None:
    for start, end in leaf.spans:
        found.hide(start, end)


def _definitions(found: _Pass, leaf: Leaf) -> int:
    """Hide the link definitions that a paragraph begins with; where its visible part begins."""
    if leaf.kind != "paragraph":
        return 0
    content, places = _content(found, leaf)
    at = 0
    while (match := _DEFINITION.match(content, at)) and match[1].strip():
        found.labels.add(_normal(match[1]))
        _hide(found, places, at, match.end())
        at = match.end()
    return at


def _info(found: _Pass, leaf: Leaf) -> None:
    """Of a fence's info string only a language may stay."""
    for start, end in leaf.spans:
        language = _LANGUAGE.match(found.text, start, end)
        stop = language.end() if language else start
        if stop < end and found.text[stop] not in " \t":
            stop = start
        found.hide(stop, end, 2 if found.text[stop:end].strip() else 1)


# --- prose ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Opener:
    at: int
    image: bool
    active: bool = True


class _Inline:
    """One walk over a paragraph's text, in the order in which a renderer binds: escapes, code, raw HTML, links."""

    def __init__(self, found: _Pass, leaf: Leaf, start: int = 0) -> None:
        self.found, self.leaf, self.at = found, leaf, start
        self.text, self.places = _content(found, leaf)
        self.openers: list[_Opener] = []
        self.runs: dict[int, list[int]] = {}
        for run in re.finditer("`+", self.text):
            self.runs.setdefault(len(run[0]), []).append(run.start())

    def within(self, start: int, end: int) -> _Inline:
        """The same for a part alone, such as a table's cell."""
        self.text, self.places = self.text[start:end], self.places[start:end]
        self.runs = {}
        for run in re.finditer("`+", self.text):
            self.runs.setdefault(len(run[0]), []).append(run.start())
        self.at = 0
        return self

    def scan(self) -> None:
        while self.at < len(self.text):
            match self.text[self.at]:
                case "\\" if self.text[self.at + 1 : self.at + 2] in _PUNCTUATION:
                    self.at += 2
                case "`":
                    self._ticks()
                case "<":
                    self._angle()
                case "!" if self.text[self.at + 1 : self.at + 2] == "[":
                    self.openers.append(_Opener(self.at, image=True))
                    self.at += 2
                case "[":
                    self.openers.append(_Opener(self.at, image=False))
                    self.at += 1
                case "]":
                    self._close()
                case "&":
                    self._entity()
                case _:
                    self.at += 1

    def _hide(self, start: int, end: int, mark: int = 2) -> None:
        _hide(self.found, self.places, start, end, mark)

    def _ticks(self) -> None:
        run = re.compile("`+").match(self.text, self.at)
        assert run is not None
        starts = self.runs.get(len(run[0]), [])
        after = bisect_left(starts, run.end())
        self.at = starts[after] + len(run[0]) if after < len(starts) else run.end()

    def _angle(self) -> None:
        comment = _INLINE_COMMENT.match(self.text, self.at)
        if comment is not None and _DISPUTED.search(comment[0]):
            self.found.hide(self.places[self.at], len(self.found.text))
            self.at = len(self.text)
            return
        for pattern in (_INLINE_COMMENT, _INLINE_OTHER, _INLINE_TAG):
            match = pattern.match(self.text, self.at)
            if match is None:
                continue
            bare = pattern is _INLINE_TAG and _BARE_TAG.match(match[0])
            self._hide(match.start(), match.end(), 1 if bare else 2)
            if pattern is _INLINE_TAG:
                _note_tag(self.found, match[0], self.places[match.start()], self.places[match.end() - 1] + 1)
            self.at = match.end()
            return
        link = _AUTOLINK.match(self.text, self.at)
        self.at = link.end() if link else self.at + 1

    def _entity(self) -> None:
        match = _ENTITY.match(self.text, self.at)
        if match is None:
            self.at += 1
            return
        if not all(is_visible(char) for char in html.unescape(match[0])):
            self._hide(match.start(), match.end())
        self.at = match.end()

    def _close(self) -> None:
        at, self.at = self.at, self.at + 1
        if not self.openers:
            return
        opener = self.openers.pop()
        if not opener.active:
            return
        inner = self.text[opener.at + (2 if opener.image else 1) : at]
        if inner.startswith("^") and not opener.image:
            if self.leaf.note is None:
                self.found.notes_used.add(_normal(inner[1:]))
            return
        end = self._tail(at, inner)
        if end is None:
            return
        if opener.image:
            self._hide(opener.at, end)
            self.found.hidden.instead[self.places[opener.at]] = IMAGE
        else:
            for each in self.openers:
                each.active = each.active and each.image
        self.at = end

    def _tail(self, at: int, inner: str) -> int | None:
        """Where the link that `]` at `at` closes ends, its unseen parts hidden; None when it is no link."""
        tail = _LINK_TAIL.match(self.text, at + 1)
        if tail is not None:
            if tail[2]:
                self._hide(tail.start(2), tail.end(2))
            if not _PLAIN_TARGET.match(tail[1].strip("<>")):
                self._hide(tail.start(1), tail.end(1))
            return tail.end()
        label = _LABEL.match(self.text, at + 1)
        if label is not None and _normal(label[1] or inner) in self.found.labels:
            self._hide(label.start(), label.end())
            return label.end()
        return at + 1 if _normal(inner) in self.found.labels else None


# --- tables ---------------------------------------------------------------------------------------------------


def _table(found: _Pass, leaf: Leaf) -> None:
    """Cells are read one by one, and a row's cells beyond the head's number are not shown at all."""
    lines = [found.text[start:end] for start, end in leaf.spans]
    head = next(
        (
            number - 1
            for number in range(1, len(lines))
            if _DELIMITERS.match(lines[number])
            and ("|" in lines[number] or "|" in lines[number - 1])
            and len(_cells(lines[number])) == len(_cells(lines[number - 1]))
        ),
        None,
    )
    if head is None:
        return
    width = len(_cells(lines[head]))
    for number in range(head, len(lines)):
        offset = leaf.spans[number][0]
        for column, (start, end) in enumerate(_cells(lines[number])):
            row = Leaf("paragraph", [(offset + start, offset + end)], leaf.note)
            _Inline(found, row).scan()
            if column >= width and number > head + 1:
                found.hide(offset + start, offset + end)


def _cells(line: str) -> list[tuple[int, int]]:
    """(start, end) of each cell; an escaped bar splits nothing."""
    bars = [match.start() for match in re.finditer(r"(?<!\\)\|", line)]
    start, stop = len(line) - len(line.lstrip(" \t")), len(line.rstrip(" \t"))
    if bars and bars[0] == start:
        start, bars = start + 1, bars[1:]
    if bars and bars[-1] == stop - 1:
        stop, bars = stop - 1, bars[:-1]
    edges = [start - 1, *bars, stop]
    return [(left + 1, right) for left, right in itertools.pairwise(edges)]


# --- raw HTML -------------------------------------------------------------------------------------------------


def _raw(found: _Pass, leaf: Leaf) -> None:
    """Tags and comments as a browser reads them. One that does not end hides all that follows."""
    content, places = _content(found, leaf)
    at = 0
    while (at := content.find("<", at)) >= 0:
        if not re.match(r"<[A-Za-z/!?]", content[at : at + 2]):
            at += 1
            continue
        end = _raw_end(content, at)
        if end is None:
            found.hide(places[at], len(found.text))
            return
        tag = content[at:end]
        _hide(found, places, at, end, 1 if _BARE_TAG.match(tag) else 2)
        _note_tag(found, tag, places[at], places[end - 1] + 1)
        at = end
    for entity in _ENTITY.finditer(content):
        if not all(is_visible(char) for char in html.unescape(entity[0])):
            _hide(found, places, entity.start(), entity.end())


def _raw_end(content: str, at: int) -> int | None:
    """Where the comment or tag that begins here ends, as a browser's tokenizer has it; None when it does not."""
    if content.startswith("<!--", at):
        comment = _RAW_COMMENT.match(content, at)
        return comment.end() if comment else None
    if not _TAG_NAME.match(content, at):
        other = _RAW_OTHER.match(content, at)
        return other.end() if other else None
    value = False  # an attribute's value may begin here
    at += 1
    while at < len(content):
        char = content[at]
        if char == ">":
            return at + 1
        if value and char in "\"'":
            at = content.find(char, at + 1)
            if at < 0:
                return None
            value = False
        elif not char.isspace():
            value = char == "=" and content[at - 1] not in " \t\n/"
        at += 1
    return None


def _note_tag(found: _Pass, tag: str, start: int, end: int) -> None:
    name = _TAG_NAME.match(tag)
    if name is None:
        return
    if name[2].lower() == "img":
        found.hidden.instead[start] = IMAGE
    elif name[2].lower() not in _WITHIN_WORDS:
        found.hidden.instead.setdefault(start, " ")
    if name[2].lower() in _SWALLOWING:
        found.tags.append((start, end, bool(name[1]), name[2].lower()))


def _swallowed(found: _Pass) -> None:
    """What stands between the tags of an element that shows no text."""
    found.tags.sort()
    until = -1
    for number, (start, end, closing, name) in enumerate(found.tags):
        if closing or start < until:
            continue
        close = next((each for each in found.tags[number + 1 :] if each[2] and each[3] == name), None)
        if close is not None:
            found.hide(end, close[0])
            until = close[1]
