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
    """Secrets by name. What of them is public (a header, a payload) is not to be among them.

    Only blocks of their forms are kept, as numbers, and from the first search on: a token of GitHub's alone has ten
    thousand pieces, and a product makes a thousand tokens.
    """

    names: dict[bytes, str] = field(default_factory=dict)
    _blocks: set[int] = field(default_factory=set)
    _known: set[bytes] = field(default_factory=set)

    def add(self, name: str, secret: bytes | str) -> None:
        data = secret.encode() if isinstance(secret, str) else secret
        assert len(data) >= PIECE, f"{name} is too short to be looked for"
        self.names.setdefault(data, name)

    def add_pem(self, name: str, pem: str) -> None:
        """Line by line, as texts break it; the lines that every key has are not a secret."""
        for line in pem.splitlines():
            if len(line) >= PIECE and not line.startswith("-----"):
                self.add(name, line)

    def find(self, data: bytes) -> str:
        """The first that is in there, in words; empty when none is."""
        self._learn()
        blocks = self._blocks
        for at in range(0, len(data) - GRAM + 1, GRAM):
            if hash(data[at : at + GRAM]) in blocks:
                for start in range(max(at - GRAM, 0), at + 1):
                    if found := self._whose(data[start : start + PIECE]):
                        return found
        return ""

    def search(self, places: Iterable[tuple[str, bytes]]) -> list[str]:
        """What was found, and where."""
        return [f"{found} in {where}" for where, data in places if (found := self.find(data))]

    def _learn(self) -> None:
        for secret in [each for each in list(self.names) if each not in self._known]:
            for _, text in forms(secret):
                self._blocks.update(hash(text[at : at + GRAM]) for at in range(len(text) - GRAM + 1))
            self._known.add(secret)

    def _whose(self, piece: bytes) -> str:
        if len(piece) == PIECE:
            for secret, name in list(self.names.items()):
                for form, text in forms(secret):
                    if piece in text:
                        return f"{name} ({form})"
        return ""
