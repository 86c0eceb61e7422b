"""What a person sees of a Markdown text. Models, hashes and our own texts get this and nothing else."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from shared.domain.characters import is_visible, unified, visible_characters
from shared.domain.markdown_hidden import find_hidden
from shared.domain.markdown_marks import HIDDEN, IMAGE

__all__ = ["Visible", "is_visible", "visible", "visible_characters"]

MAX_PASSES = 8  # what is left after a removal may read as something new; hostile nesting is not followed for ever


@dataclass(frozen=True, slots=True)
class Visible:
    """`text` is what a person sees; `hidden` counts the characters that were left out because nobody sees them."""

    text: str
    hidden: int


def visible(text: str) -> Visible:
    """The visible part of a Markdown text as GitHub shows it, still as Markdown: NFC, LF.

    Left out: characters that no display shows; comments (also unterminated ones), tags, processing instructions; a
    picture's texts (`[image]` stands there instead), titles of links and targets that are no plain address, link
    definitions, footnotes that nothing refers to, table cells beyond the head's number, a fence's info string but for
    its language. Code stays as it is. What folds open at a click (`<details>`) is seen. When in doubt it is left out.
    """
    text, hidden = unified(text), 0
    for _ in range(MAX_PASSES):
        once, count = _once(text)
        hidden += count
        if once == text:
            break
        text = once
    return Visible(unicodedata.normalize("NFC", text), hidden)


def _once(text: str) -> tuple[str, int]:
    found = find_hidden(text)
    kept, count, parted = list[str](), 0, False
    for at, char in enumerate(text):
        instead = found.instead.get(at, "")
        parted = parted or instead == " "
        mark = found.marks[at]
        shown = "" if mark else char if is_visible(char) else ""
        count += mark == HIDDEN or not (mark or shown)
        shown = IMAGE if instead == IMAGE else shown
        if shown:
            if parted and kept and not kept[-1].isspace() and not shown.isspace():
                kept.append(" ")
            kept.append(shown)
            parted = False
    return "".join(kept), count
