"""Cut a Markdown text at a byte limit so that what is left still reads as it was meant."""

from __future__ import annotations

import re

CLIPPED = "_Clipped: the text is longer than GitHub takes._"

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
_TAG = re.compile(r"<(/?)(details|summary)\b[^>]*>", re.IGNORECASE)


def clip(text: str, max_bytes: int, *, last_line: str = "", note: str = CLIPPED) -> str:
    """The text in at most `max_bytes` of UTF-8, unchanged when it fits.

    A cut text never ends inside a code point, an open code fence, `<details>` or comment; it says in a line of its own
    that it was clipped (`note`), and when `last_line` (a marker, say) ended the text it still does. Raises ValueError
    when not even note and last line fit.
    """
    text = text.encode("utf-8", "replace").decode()
    if _size(text) <= max_bytes:
        return text
    body = text
    if last_line and text.rstrip().endswith(last_line):
        body = text.rstrip()[: -len(last_line)]
    tail = f"\n\n{note}" + (f"\n\n{last_line}" if last_line else "")
    room = max_bytes - _size(tail)
    if room < 0:
        raise ValueError(f"{max_bytes} bytes hold neither note nor last line")
    kept = _cut(body, room)
    while kept:
        whole = kept.rstrip("\n") + _closing(kept)
        over = _size(whole) - room
        if over <= 0:
            return whole + tail
        kept = _cut(kept, max(0, _size(kept) - over))
    return tail.lstrip("\n")


def clip_line(text: str, max_chars: int) -> str:
    """One line of at most so many characters, with an ellipsis when it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str, max_bytes: int) -> str:
    """The longest beginning in whole lines; in whole characters where the last line alone would cost half of it."""
    start = text.encode()[:max_bytes].decode("utf-8", "ignore")
    if len(start) == len(text):
        return start
    lines = start.rpartition("\n")[0]
    return lines if len(lines) >= len(start) // 2 else start


def _closing(text: str) -> str:
    """What must follow so that nothing stays open: fence, comment, `</summary>`, `</details>`, innermost first."""
    fence, comment, tags = "", False, list[str]()
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
            continue
        if found and not comment and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
            continue
        comment = _scan(line, comment, tags)
    closing = f"\n{fence}" if fence else ""
    if comment:
        closing += "\n-->"
    if tags:
        closing += "\n\n" + "".join(f"</{tag}>" for tag in reversed(tags))
    return closing


def _scan(line: str, comment: bool, tags: list[str]) -> bool:
    """Follow one line outside of code: whether a comment is open after it; `tags` is the stack of open ones."""
    rest = line
    while rest:
        if comment:
            _, end, rest = rest.partition("-->")
            comment = not end
            continue
        visible, start, rest = rest.partition("<!--")
        for found in _TAG.finditer(visible):
            name = found[2].lower()
            if not found[1]:
                tags.append(name)
            elif name in tags:
                del tags[len(tags) - 1 - tags[::-1].index(name) :]
        comment = bool(start)
    return comment
