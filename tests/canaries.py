"""Whether a secret is anywhere that it must not be: as it stands, encoded, reversed, or a piece of it.

A piece of `PIECE` characters of any form counts. Shorter ones cannot be told from chance; whoever gives a secret away in
smaller pieces is not found by this.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

PIECE = 20
GRAM = PIECE // 2  # any piece has a whole block of so many bytes in it that begins at a multiple of it


def forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way in which it is looked for."""
    plain: dict[str, bytes] = {"plain": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    plain["url"] = quote_from_bytes(secret, safe="").encode()
    plain["every byte as %XX"] = b"".join(b"%%%02X" % byte for byte in secret)
    for shift in range(3):  # where in a group of three bytes it begins
        text = base64.b64encode(b"\0" * shift + secret + b"\0" * 3)
        text = text[(0, 2, 3)[shift] : len(text) - 6]
        plain[f"base64+{shift}"] = text
        plain[f"urlsafe base64+{shift}"] = text.replace(b"+", b"-").replace(b"/", b"_")
    for name, form in plain.items():
        yield name, form
        yield f"{name}, reversed", form[::-1]


@dataclass
class Canaries:
    """Secrets by name. What of them is public (a header, a payload) is not to be among them."""

    names: dict[bytes, str] = field(default_factory=dict)
    _pieces: dict[bytes, str] = field(default_factory=dict)
    _grams: set[bytes] = field(default_factory=set)

    def add(self, name: str, secret: bytes | str) -> None:
        data = secret.encode() if isinstance(secret, str) else secret
        assert len(data) >= PIECE, f"{name} is too short to be looked for"
        if data in self.names:
            return
        self.names[data] = name
        for form, text in forms(data):
            for at in range(len(text) - PIECE + 1):
                self._pieces.setdefault(text[at : at + PIECE], f"{name} ({form})")
            self._grams.update(text[at : at + GRAM] for at in range(len(text) - GRAM + 1))

    def add_pem(self, name: str, pem: str) -> None:
        """Line by line, as texts break it; the lines that every key has are not a secret."""
        for line in pem.splitlines():
            if len(line) >= PIECE and not line.startswith("-----"):
                self.add(name, line)

    def find(self, data: bytes) -> str:
        """The first that is in there, in words; empty when none is."""
        grams = self._grams
        for at in range(0, len(data) - GRAM + 1, GRAM):
            if data[at : at + GRAM] in grams:
                for start in range(max(at - GRAM, 0), at + 1):
                    if found := self._pieces.get(data[start : start + PIECE]):
                        return found
        return ""

    def search(self, places: Iterable[tuple[str, bytes]]) -> list[str]:
        """What was found, and where."""
        return [f"{found} in {where}" for where, data in places if (found := self.find(data))]
