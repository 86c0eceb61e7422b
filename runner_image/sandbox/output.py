"""Output of a command: bounded in memory whatever it prints, clipped in the middle for people and models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.domain.protocol import TAIL_MAX_CHARS

# With the line that says what is left out and the one that says how it ended, it is what a result may have: to be cut
# again, those lines would be what is lost.
SHOWN_CHARS = TAIL_MAX_CHARS - 500
HEAD_CHARS = SHOWN_CHARS // 3
TAIL_CHARS = SHOWN_CHARS - HEAD_CHARS
# Raw bytes kept in memory at each end: room for four-byte characters and for the escapes that are stripped.
HEAD_BYTES = 8 * HEAD_CHARS
TAIL_BYTES = 8 * TAIL_CHARS

# ECMA-48: CSI sequences, OSC strings (ended by BEL or ST) and other strings, other two-character escapes. A string without
# an end is none: it would take all that is printed after it out of sight.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Output:
    """`size` bytes were printed, `kept` of them are in `spool`; `head` and `tail` are its ends (all of it, in `head`,
    where it was short)."""

    head: bytes = b""
    tail: bytes = b""
    size: int = 0
    kept: int = 0
    spool: Path | None = None

    @property
    def is_whole(self) -> bool:
        return len(self.head) + len(self.tail) == self.size

    def text(self, limit: int = SHOWN_CHARS, rest: str = "") -> str:
        """At most `limit` characters and one line that says how many bytes are missing; `rest` says where they are."""
        if self.is_whole:
            whole = clean(self.head + self.tail)
            if len(whole) <= limit:
                return whole
            head, tail = whole, whole
        else:
            head, tail = clean(self.head), clean(self.tail)
        head, tail = head[: limit // 3], tail[-(limit - limit // 3) :]
        shown = len(head.encode()) + len(tail.encode())
        where = f"; {rest}" if rest else ""
        return f"{head}\n[... {max(self.size - shown, 0):,} of {self.size:,} bytes left out here{where} ...]\n{tail}"

    def last(self, limit: int = 4_000) -> str:
        """The end of it alone: where failures are told."""
        return clean(self.tail if not self.is_whole else self.head + self.tail)[-limit:]


def clean(raw: bytes) -> str:
    """UTF-8 with what cannot be decoded replaced, without terminal escapes; a carriage return redraws its line."""
    text = ANSI.sub("", raw.decode("utf-8", "replace")).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


class Spool:
    """Takes output as it comes: both ends in memory, up to `limit` bytes in a file, the rest only counted."""

    def __init__(self, path: Path | None, limit: int) -> None:
        self._file: BinaryIO | None = path.open("wb") if path else None
        self._path = path
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0
        self._kept = 0

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._file and self._kept < self._limit:
            part = data[: self._limit - self._kept]
            self._file.write(part)
            self._kept += len(part)
        if room := HEAD_BYTES - len(self._head):
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]

    def close(self) -> Output:
        if self._file:
            self._file.close()
        return Output(bytes(self._head), bytes(self._tail[-TAIL_BYTES:]), self._size, self._kept, self._path)
