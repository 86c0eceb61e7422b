"""Which characters of a Markdown text nobody sees on the page: comments, tags, picture texts, link titles, definitions,
unused footnotes, cells beyond the table's width.

When in doubt a character counts as hidden: too little is read then, never more than a person saw.
"""

from __future__ import annotations

import re

from shared.domain.markdown_blocks import Leaf, leaves
from shared.domain.markdown_inline import TITLE, Prose
from shared.domain.markdown_marks import FORMATTING, HIDDEN, Marks, content_of, normal
from shared.domain.markdown_table import cells, is_head
from shared.domain.markdown_tags import hide_html, hide_swallowed

_DEFINITION = re.compile(
    r"\s*\[((?:[^\[\]\\]|\\.){1,999})\]:[ \t]*\n?[ \t]*(?:<(?:[^<>\n\\]|\\.)*>|(?!<)[^\s]+)"
    rf"(?:(?:[ \t]+|[ \t]*\n[ \t]*){TITLE}[ \t]*(?=\n|\Z)|[ \t]*(?=\n|\Z))",
    re.DOTALL,
)
_QUOTES = {'"': '"', "'": "'", "(": ")"}
_LANGUAGE = re.compile(r"[ \t]*[A-Za-z0-9+#-]{1,16}")


def find_hidden(text: str) -> Marks:
    """The marks of one text (LF line ends). An entity that stands for a character that no display shows is hidden."""
    blocks, doubt = leaves(text)
    found = Marks(text, bytearray(len(text)), any_label=doubt < len(text))
    found.hide(doubt, len(text))
    starts = [_hide_definitions(found, leaf) for leaf in blocks]  # all of them first: links may come before
    for leaf, start in zip(blocks, starts, strict=True):
        match leaf.kind:
            case "paragraph" | "heading":
                Prose(content_of(found, leaf), start, in_note=leaf.note is not None).hide()
                if leaf.kind == "paragraph":
                    _hide_in_table(found, leaf)
            case "html":
                hide_html(found, leaf)
            case "fence":
                _hide_info(found, leaf)
            case "code":
                pass
    hide_swallowed(found)
    for leaf in blocks:
        if leaf.note is not None and (found.cut_off or normal(leaf.note) not in found.notes_used):
            found.hide_leaf(leaf)
    return found


def _hide_definitions(found: Marks, leaf: Leaf) -> int:
    """Hide the link definitions that a paragraph begins with. Returns where its visible part begins."""
    if leaf.kind != "paragraph":
        return 0
    content = content_of(found, leaf)
    at = 0
    while (match := _DEFINITION.match(content.text, at)) and match[1].strip():
        found.labels.add(normal(match[1]))
        content.hide(at, match.end())
        at = match.end()
    rest = content.text[at:].lstrip()
    if at and rest[:1] in _QUOTES and _QUOTES[rest[:1]] not in rest[1:]:
        content.hide_rest(at)  # a title that does not end here: some look for its end further below
    return at


def _hide_info(found: Marks, leaf: Leaf) -> None:
    """Of a fence's info string only a language may stay."""
    for start, end in leaf.spans:
        language = _LANGUAGE.match(found.text, start, end)
        stop = language.end() if language else start
        if stop < end and found.text[stop] not in " \t":
            stop = start
        found.hide(stop, end, HIDDEN if found.text[stop:end].strip() else FORMATTING)


def _hide_in_table(found: Marks, leaf: Leaf) -> None:
    """Cells are read one by one, and a row's cells beyond the head's number are not shown at all."""
    lines = [found.text[start:end] for start, end in leaf.spans]
    head = next((number for number in range(len(lines) - 1) if is_head(lines[number], lines[number + 1])), None)
    if head is None:
        return
    if head:
        above = Leaf("paragraph", leaf.spans[:head], leaf.note)
        Prose(content_of(found, above), in_note=leaf.note is not None).hide()
    width = len(cells(lines[head]))
    for number in range(head, len(lines)):
        offset = leaf.spans[number][0]
        for column, (start, end) in enumerate(cells(lines[number])):
            cell = Leaf("paragraph", [(offset + start, offset + end)], leaf.note)
            Prose(content_of(found, cell), in_note=leaf.note is not None).hide()
            if column >= width and number > head + 1:
                found.hide_leaf(cell)
