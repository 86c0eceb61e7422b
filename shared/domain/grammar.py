"""The grammar of commands: parsed by us, never by a model. Standard library only: the webhook door uses it.

A command is the first non-blank line of a created comment, at column 0, in ASCII: `/persevere <verb> [arguments]`.
The rest of the comment is that person's text. Anything that only looks like one is a near miss and runs nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_LINE = 4000


@dataclass(frozen=True, slots=True)
class CommandLine:
    """`verb` in lower case ("" for a bare call), `arguments` as typed, `rest` the text under the line."""

    verb: str
    arguments: str
    rest: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Nothing runs. `why`: other_line, two_commands, odd_blank, mark (and edited, which the grammar cannot see); `quote` is what was not run."""

    why: str
    quote: str


@dataclass(frozen=True, slots=True)
class NoCommand:
    """Ordinary words."""


Parsed = CommandLine | NearMiss | NoCommand

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")


def parse(body: str, prefix: str = "/persevere") -> Parsed:
    """What a comment's body is. `prefix` is the operator's word, `/persevere` by default."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    spoken = _spoken(lines)
    starts = [(number, line) for number, line in spoken if _is_command(line, prefix)]
    first = next(((number, line) for number, line in enumerate(lines) if line.strip()), None)
    if starts and first is not None and starts[0][0] == first[0]:
        if len(starts) > 1:
            return NearMiss("two_commands", _shown(starts[1][1]))
        number, line = starts[0]
        verb, _, arguments = line[len(prefix) :].strip().partition(" ")
        rest = "\n".join(lines[number + 1 :]).strip()
        if not arguments.strip() and not rest:
            verb = verb.rstrip(".")
        return CommandLine(verb.lower(), arguments.strip(), rest)
    if starts:
        return NearMiss("other_line", _shown(starts[0][1]))
    for _number, line in spoken:
        if _is_command(_plain(line), prefix):
            return NearMiss("odd_blank", _shown(_plain(line)))
    if first is not None and first in spoken and _has_a_mark_behind(first[1], prefix):
        return NearMiss("mark", _shown(first[1]))
    return NoCommand()


def _spoken(lines: list[str]) -> list[tuple[int, str]]:
    """Lines that are the person's own words: outside fences, indented code, quotes and HTML comments."""
    kept: list[tuple[int, str]] = []
    fence = ""
    comment = False
    for number, line in enumerate(lines):
        opening = _FENCE.match(line)
        if fence:
            if opening and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if opening:
            fence = opening[1]
            continue
        if comment or "<!--" in line:
            comment = "-->" not in line.split("<!--")[-1]
            continue
        if line.startswith(("    ", "\t")) or line.lstrip().startswith(">"):
            continue
        kept.append((number, line[:MAX_LINE]))
    return kept


def _is_command(line: str, prefix: str) -> bool:
    if line[: len(prefix)].lower() != prefix.lower() or not line[: len(prefix)].isascii():
        return False
    return len(line) == len(prefix) or line[len(prefix)] == " "


def _has_a_mark_behind(line: str, prefix: str) -> bool:
    """`/persevere, plan` or `/persevere.`: meant as a command, and none."""
    return line[: len(prefix)].lower() == prefix.lower() and line[len(prefix) : len(prefix) + 1] in tuple(".,:;!?")


def _plain(line: str) -> str:
    """The line without characters that nobody sees, odd blanks as blanks, leading blanks gone."""
    kept = []
    for char in line:
        category = unicodedata.category(char)
        if category in ("Zs", "Zl", "Zp"):
            kept.append(" ")
        elif category not in ("Cf", "Cc", "Cn", "Co", "Cs"):
            kept.append(char)
        elif char == "\t":
            kept.append(" ")
    return "".join(kept).strip()


def _shown(line: str) -> str:
    return _plain(line)[:120]
