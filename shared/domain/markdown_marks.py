"""Marks on the characters of a text: what nobody sees, and what stands there instead."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.domain.markdown_blocks import Leaf

IMAGE = "[image]"
SEEN, FORMATTING, HIDDEN = 0, 1, 2


@dataclass(slots=True)
class Marks:
    """What one walk over a text finds out.

    `marks`: per character SEEN, FORMATTING (nobody misses it, such as `<br>`) or HIDDEN. `instead`: what a person sees
    at a place. `labels` of link definitions, `notes_used`: footnotes that the text refers to. `tags`: (start, end,
    whether it closes, name) of elements that show no text.
    """

    text: str
    marks: bytearray
    instead: dict[int, str] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    any_label: bool = False
    cut_off: bool = False
    notes_used: set[str] = field(default_factory=set)
    tags: list[tuple[int, int, bool, str]] = field(default_factory=list)

    def hide(self, start: int, end: int, mark: int = HIDDEN) -> None:
        end = min(end, len(self.marks))
        if mark == HIDDEN:
            self.marks[start:end] = bytes([HIDDEN]) * max(0, end - start)
            return
        for at in range(start, end):
            self.marks[at] = max(self.marks[at], mark)

    def defines(self, label: str) -> bool:
        """Whether a link may have this label; any, where a part of the text could not be told."""
        return self.any_label or normal(label) in self.labels

    def hide_leaf(self, leaf: Leaf) -> None:
        for start, end in leaf.spans:
            self.hide(start, end)


@dataclass(frozen=True, slots=True)
class Content:
    """The lines of a leaf as one text, and where each of its characters stands."""

    found: Marks
    text: str
    places: list[int]

    def hide(self, start: int, end: int, mark: int = HIDDEN) -> None:
        for at in self.places[start:end]:
            self.found.hide(at, at + 1, mark)

    def hide_rest(self, start: int) -> None:
        """Everything from a place to the end of the whole text, and the footnotes, which a page shows at its end."""
        self.found.cut_off = True
        self.found.hide(self.places[start], len(self.found.text))


def content_of(found: Marks, leaf: Leaf) -> Content:
    parts, places = [], list[int]()
    for number, (start, end) in enumerate(leaf.spans):
        if number:
            parts.append("\n")
            places.append(leaf.spans[number - 1][1])
        parts.append(found.text[start:end])
        places.extend(range(start, end))
    return Content(found, "".join(parts), places)


def normal(label: str) -> str:
    """Labels are compared without regard to case and blanks."""
    return " ".join(label.split()).casefold()
