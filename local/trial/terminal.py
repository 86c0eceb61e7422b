"""How we speak on a terminal: as wide as it is, ASCII, colour only where a word says the same, a line at a time.

In a pipe there is no colour, the story is laid out for 80 columns, and what somebody may search or copy (a finding, a
hint, a command, an event) stays on one line.
"""

from __future__ import annotations

import textwrap
import time
from typing import TextIO

from rich.console import Console
from rich.text import Text

WIDTH = 80
NARROWEST = 40
QUOTED = "| "
_STYLES = {
    "ok": "green",
    "FAIL": "bold red",
    "warn": "yellow",
    "FAILED": "bold red",
    "proved": "green",
    "kept": "green",
}


class Terminal:
    """Lines of a story, each with its time since `begin`. rich keeps to NO_COLOR and writes no colour into a pipe."""

    def __init__(self, stream: TextIO, *, any_letter: bool = False) -> None:
        """`any_letter`: what is no ASCII is written as it is, for a terminal that can show it."""
        self._shown = str if any_letter else _ascii
        self._console = Console(file=stream, highlight=False, soft_wrap=True, legacy_windows=False)
        self._is_pipe = not self._console.is_terminal
        self.width = WIDTH if self._is_pipe else max(self._console.width, NARROWEST)
        self._begun = time.monotonic()

    def begin(self) -> None:
        """The story's clock stands at 00:00 now."""
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def line(self, text: str = "") -> None:
        shown = Text(self._shown(text))
        for word, style in _STYLES.items():
            shown.highlight_regex(rf"\b{word}\b", style)
        self._console.print(shown)

    def fact(self, name: str, what: str, state: str = "") -> None:
        """A line of the head: `  sandbox   bubblewrap (...)     ok`."""
        room = min(60, self.width - 20)
        for number, part in enumerate(textwrap.wrap(self._shown(what), room) or [""]):
            end = f"{part:<{room}} {state}".rstrip() if number == 0 else part
            self.line(f"  {name if number == 0 else '':<9} {end}")

    def more_wide(self, what: str) -> None:
        """What belongs to a line of the head; an address is never cut."""
        self.line(f"{'':<12}{what}")

    def told(self, who: str, what: str) -> None:
        """A line of the story. What does not fit goes on below, indented."""
        minutes, seconds = divmod(int(self.seconds), 60)
        first, *rest = textwrap.wrap(self._shown(what), self.width - 22, break_long_words=False) or [""]
        self.line(f"  {minutes:02d}:{seconds:02d}  {who:<9}  {first}")
        for part in rest:
            self.more(part)

    def block(self, indent: int, text: str, mark: str = "") -> None:
        """A text of any length below an indent; `mark` begins it, and each of its lines where it is a quotation's `| `."""
        begins = mark
        for line in self._shown(text).splitlines():
            for part in [line] if self._is_pipe else _wrapped(line, self.width - indent - len(mark) - 1):
                self.line(f"{'':<{indent}}{begins}{part}".rstrip())
                begins = mark if mark == QUOTED else " " * len(mark)

    def entry(self, head: str, text: str) -> None:
        """`head`, and beside it a text in words of which none is broken: an address stays one that can be copied."""
        shown = " ".join(self._shown(text).splitlines())
        room = max(self.width - len(head) - 1, NARROWEST // 2)
        parts = [shown] if self._is_pipe else textwrap.wrap(shown, room, break_long_words=False, break_on_hyphens=False)
        for number, part in enumerate(parts or [""]):
            self.line(f"{head if number == 0 else ' ' * len(head)}{part}".rstrip())

    def more(self, what: str) -> None:
        """What belongs to the line above."""
        self.line(f"{'':<22}{self._shown(what)}"[: self.width - 1])

    def more_whole(self, what: str) -> None:
        """What belongs to the line above and is to be copied: never cut."""
        self.line(f"{'':<22}{what}")


def takes_any_letter(stream: TextIO) -> bool:
    """Whether what is no ASCII comes out of it as it is."""
    return "utf" in (stream.encoding or "").lower()


def _wrapped(line: str, room: int) -> list[str]:
    """Its own indent is kept; what goes on below begins without the blanks at which it was broken."""
    first, *rest = textwrap.wrap(line, room, drop_whitespace=False, break_on_hyphens=False) or [""]
    return [first, *(part.lstrip() for part in rest if part.strip())]


def _ascii(text: str) -> str:
    table = {"·": "-", "…": "...", "–": "-", "—": "-", "→": "->", "“": '"', "”": '"', "‘": "'", "’": "'"}
    # What has no like in ASCII keeps its number: a command or a proof must not read as another one.
    return "".join(table.get(char, char) for char in text).encode("ascii", "backslashreplace").decode("ascii")
