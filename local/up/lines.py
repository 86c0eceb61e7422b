"""Lines of what goes on, for a terminal or, as JSON, for a program."""

from __future__ import annotations

import json
import textwrap
import time
from typing import Any, TextIO

from local.trial.terminal import Terminal

INDENT = 25


class Lines:
    """Where `up` speaks. A line is about an issue (`#42`) or about the whole ("")."""

    def __init__(self, stream: TextIO, *, json_lines: bool) -> None:
        self._stream = stream
        self._json = json_lines
        self.terminal = Terminal(stream)

    def head(self, name: str, what: str) -> None:
        """A fact of the first lines."""
        if self._json:
            self._print({"fact": name, "what": what})
            return
        for number, part in enumerate(textwrap.wrap(what, self.terminal.width - 14, break_long_words=False) or [""]):
            self.terminal.line(f"  {'' if number else name:<10} {part}")

    def words(self, text: str = "") -> None:
        """For people alone."""
        if not self._json:
            self.terminal.line(text)

    def told(self, place: str, who: str, what: str) -> None:
        """Something happened. `place` is `owner/name#42`, of which a person is shown the number."""
        if self._json:
            self._print({"at": int(time.time() * 1000), "issue": place, "who": who, "what": what})
            return
        number = f"#{place.rpartition('#')[2]}" if place else ""
        first, *rest = textwrap.wrap(what, self.terminal.width - INDENT - 2, break_long_words=False) or [""]
        self.terminal.line(f"  {time.strftime('%H:%M:%S')}  {number:<5} {who:<9} {first}"[: self.terminal.width + 40])
        for part in rest:
            self.terminal.line(f"{'':<{INDENT}} {part}")

    def _print(self, what: dict[str, Any]) -> None:
        self._stream.write(json.dumps(what, ensure_ascii=False) + "\n")
        self._stream.flush()


class IssueTerminal(Terminal):
    """What the story of one issue writes to: its lines carry the issue's place. Silent while `quiet` is set."""

    def __init__(self, lines: Lines, place: str, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines = lines
        self._place = place
        self.quiet = False

    def told(self, who: str, what: str) -> None:
        if not self.quiet:
            self._lines.told(self._place, who, what)

    def more(self, what: str) -> None:
        if not self.quiet:
            self._lines.told(self._place, "", what)
