"""Prose of Markdown: one walk over a paragraph, in the order in which a renderer binds."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from shared.domain.markdown_lines import CLOSE_TAG, OPEN_TAG
from shared.domain.markdown_marks import IMAGE, Content, normal
from shared.domain.markdown_tags import DISPUTED, ENTITY, hide_entity, hide_tag

_TAG = re.compile(rf"{OPEN_TAG}|{CLOSE_TAG}")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_OTHERS = (("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*|[^<>\s@]+@[^<>\s@]+)>")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
TITLE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"""
_TARGET = r"(?:<(?:[^<>\n\\]|\\.)*>|(?!<)(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.|\([^\s()]*\))*\))*)"
_LINK_TAIL = re.compile(rf"\(\s*({_TARGET})(\s+{TITLE})?\s*\)", re.DOTALL)
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_PLAIN_TARGET = re.compile(r"(?:https?://|[#./\w])[\w\-./#?=&:@+,;~]{0,300}$")
_TICKS = re.compile("`+")


@dataclass(slots=True)
class _Opener:
    at: int
    image: bool
    active: bool = True


class Prose:
    """Escapes, code, raw HTML, links: whatever comes first is bound first. `in_note`: inside a footnote."""

    def __init__(self, content: Content, start: int = 0, *, in_note: bool = False) -> None:
        self.content, self.text, self.at, self.in_note = content, content.text, start, in_note
        self.openers: list[_Opener] = []
        self.unended: set[str] = set()  # what is known not to end any more in this text
        self.runs: dict[int, list[int]] = {}
        for run in _TICKS.finditer(self.text):
            self.runs.setdefault(len(run[0]), []).append(run.start())

    def hide(self) -> None:
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

    def _ticks(self) -> None:
        run = _TICKS.match(self.text, self.at)
        assert run is not None
        starts = self.runs.get(len(run[0]), [])
        after = bisect_left(starts, run.end())
        self.at = starts[after] + len(run[0]) if after < len(starts) else run.end()

    def _angle(self) -> None:
        comment = _COMMENT.match(self.text, self.at)
        if comment is not None and DISPUTED.search(comment[0]):
            self.content.hide_rest(self.at)
            self.at = len(self.text)
            return
        tag = _TAG.match(self.text, self.at)
        end = comment.end() if comment else tag.end() if tag else self._other()
        if end is not None:
            hide_tag(self.content, self.at, end)
            self.at = end
            return
        link = _AUTOLINK.match(self.text, self.at)
        self.at = link.end() if link else self.at + 1

    def _other(self) -> int | None:
        """Where a processing instruction, a declaration or a CDATA section ends."""
        for begins, ends in _OTHERS:
            if begins in self.unended or not self.text.startswith(begins, self.at):
                continue
            if begins == "<!" and not self.text[self.at + 2 : self.at + 3].isalpha():
                continue
            end = self.text.find(ends, self.at + len(begins))
            if end >= 0:
                return end + len(ends)
            self.unended.add(begins)
        return None

    def _entity(self) -> None:
        match = ENTITY.match(self.text, self.at)
        if match is not None:
            hide_entity(self.content, match)
        self.at = match.end() if match else self.at + 1

    def _close(self) -> None:
        at, self.at = self.at, self.at + 1
        found = self.content.found
        if not self.openers:
            return
        opener = self.openers.pop()
        if not opener.active:
            return
        inner = self.text[opener.at + (2 if opener.image else 1) : at]
        if inner.startswith("^") and not opener.image:
            if not self.in_note:
                found.notes_used.add(normal(inner[1:]))
            return
        end = self._tail(at, inner)
        if end is None:
            return
        if opener.image:
            self.content.hide(opener.at, end)
            found.instead[self.content.places[opener.at]] = IMAGE
        else:
            for each in self.openers:
                each.active = each.active and each.image
        self.at = end

    def _tail(self, at: int, inner: str) -> int | None:
        """Where the link that `]` at `at` closes ends, its unseen parts hidden; None when it is no link."""
        tail = _LINK_TAIL.match(self.text, at + 1)
        if tail is not None:
            if tail[2]:
                self.content.hide(tail.start(2), tail.end(2))
            if not _PLAIN_TARGET.match(tail[1].strip("<>")):
                self.content.hide(tail.start(1), tail.end(1))
            return tail.end()
        label = _LABEL.match(self.text, at + 1)
        if label is not None and self.content.found.defines(label[1] or inner):
            self.content.hide(label.start(), label.end())
            return label.end()
        return at + 1 if self.content.found.defines(inner) else None
