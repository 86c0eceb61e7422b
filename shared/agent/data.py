"""Foreign text on its way to a model: made harmless to carry, short enough to read, and marked as data."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from shared.domain.protocol import TAIL_MAX_CHARS

HEAD_CHARS = 4_000  # failures stand at the end of an output: the tail gets twice as much
NESTING_MAX = 100  # of foreign JSON; a stack holds some hundreds, and whoever copies or sends it needs as much again
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")


def clean(text: str) -> str:
    """Text that can be encoded, stored and sent: no half surrogates (they become `?`)."""
    return text.encode("utf-8", "replace").decode()


def clean_all(value: Any) -> Any:
    """`clean` for every text of a JSON value: escapes such as `\\ud800` let through what nobody can store."""
    match value:
        case str():
            return value if value.isascii() else clean(value)
        case dict():
            return {clean_all(key): clean_all(each) for key, each in value.items()}
        case list():
            return [clean_all(each) for each in value]
        case _:
            return value


def read_json(text: str | bytes) -> Any:
    """Foreign JSON that can be stored and sent on. Raises ValueError for all else: the parser alone takes NaN and numbers
    without end, which nobody takes back, and gives up on deep nesting in another way.
    """
    try:
        found = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level, depth = [found], 0
    while level := [each for value in level for each in _inside(value)]:
        depth += 1
        if depth > NESTING_MAX:
            raise ValueError("it is nested too deeply")
    return found


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is larger than any number")
    return number


def plain(text: str) -> str:
    """Output of a terminal as text: no escape sequences, carriage returns as line ends, controls spelt out."""
    text = _ESCAPE.sub("", clean(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def clip(text: str, limit: int = TAIL_MAX_CHARS, head: int = HEAD_CHARS) -> str:
    """At most `limit` characters and one line that says how many are left out; a third of them from the head."""
    if len(text) <= limit:
        return text
    head = min(head, limit // 3)
    left_out = len(text) - limit
    return f"{text[:head]}\n[... {left_out} characters left out ...]\n{text[len(text) - (limit - head) :]}"


def fence(text: str, what: str) -> str:
    """The text between marks that it cannot contain: they carry its own hash. `what` says what it is, for the model."""
    text = clean(text)
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"<data-{mark} {what}>\n{text}\n</data-{mark}>"
