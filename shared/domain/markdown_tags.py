"""Tags, comments and entities of raw HTML in Markdown: what they hide."""

from __future__ import annotations

import html
import re
from bisect import bisect_left

from shared.domain.characters import is_visible
from shared.domain.markdown_blocks import Leaf
from shared.domain.markdown_marks import FORMATTING, HIDDEN, IMAGE, Content, Marks, content_of

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
DISPUTED = re.compile(r"<!---?>")  # a whole comment to some parsers, to others the beginning of one
_BARE_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*\s*/?>$")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def hide_html(found: Marks, leaf: Leaf) -> None:
    """A block of raw HTML as a browser reads it. A tag or comment that does not end hides all that follows."""
    content = content_of(found, leaf)
    text, at = content.text, 0
    while (at := text.find("<", at)) >= 0:
        if not re.match(r"<[A-Za-z/!?]", text[at : at + 2]):
            at += 1
            continue
        end = _end_of_tag(text, at)
        if end is None or DISPUTED.search(text, at, end):
            content.hide_rest(at)
            return
        hide_tag(content, at, end)
        at = end
    for entity in ENTITY.finditer(text):
        hide_entity(content, entity)


def hide_tag(content: Content, start: int, end: int) -> None:
    """One tag or comment; what it means for what stands around it is noted."""
    tag, found = content.text[start:end], content.found
    content.hide(start, end, FORMATTING if _BARE_TAG.match(tag) else HIDDEN)
    name = _TAG_NAME.match(tag)
    if name is None:
        return
    place = content.places[start]
    word = name[2].lower()
    if word == "img":
        found.instead[place] = IMAGE
    elif word not in _WITHIN_WORDS:
        found.instead.setdefault(place, " ")
    if word in _SWALLOWING:
        found.tags.append((place, content.places[end - 1] + 1, bool(name[1]), word))


def hide_entity(content: Content, entity: re.Match[str]) -> None:
    """An entity that stands for a character that no display shows."""
    if not all(is_visible(char) for char in html.unescape(entity[0])):
        content.hide(entity.start(), entity.end())


def hide_swallowed(found: Marks) -> None:
    """What stands between the tags of an element that shows no text."""
    closing: dict[str, list[tuple[int, int]]] = {}
    for start, end, closes, name in sorted(found.tags):
        if closes:
            closing.setdefault(name, []).append((start, end))
    until = -1
    for start, end, closes, name in sorted(found.tags):
        if closes or start < until:
            continue
        places = closing.get(name, [])
        after = bisect_left(places, (end, 0))
        if after < len(places):
            found.hide(end, places[after][0])
            until = places[after][1]


def _end_of_tag(content: str, at: int) -> int | None:
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
