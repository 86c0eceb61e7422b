"""The hidden line by which a text of ours is found again: `<!-- persevere:<effect>:<mac16> -->`.

Anyone can write such a line, so it counts only with the right code. Keys are a list: the first one writes, any one
verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

_MARKER = re.compile(r"<!-- persevere:([0-9a-f]{20}):([0-9a-f]{16}) -->")


def marker(keys: Sequence[bytes], effect: str) -> str:
    """The line for an effect id. Raises ValueError when there is no key, or an empty one."""
    if not keys or not all(keys):
        raise ValueError("markers need at least one key, and no empty one")
    return f"<!-- persevere:{effect}:{_mac(keys[0], effect)} -->"


def bears(keys: Sequence[bytes], effect: str, body: str) -> bool:
    """Whether a text carries the marker of that effect, with a code that one of our keys made."""
    return any(
        found == effect and any(hmac.compare_digest(_mac(key, effect), code) for key in keys)
        for found, code in _MARKER.findall(body)
    )


def _mac(key: bytes, effect: str) -> str:
    return hmac.new(key, f"marker:{effect}".encode(), hashlib.sha256).hexdigest()[:16]
