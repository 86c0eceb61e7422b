"""Which line of the conversation file comes next, found in the request alone: no state, the same request the same answer.

Every answer carries a mark of its line in its private part (a signature, encrypted reasoning) and in the ids of its
calls. A request that shows an answer without a mark had it from somebody else; it has used up the first line that fitted.
The wire does not tell what a request is for: without tools it is the planner's.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.scripted_model import Line, ScriptCall, ScriptUsage
from shared.agent import prompts

_ID = re.compile(r"(?:toolu|call|fc)_s(\d+)_\d+")
_REPORTS = tuple(each.partition("{")[0] for each in (prompts.NEXT_ROUND, prompts.REVIEWED))


@dataclass(frozen=True, slots=True)
class Told:
    """What a request shows of the conversation: a word to the model, or an answer with the line that its marks name."""

    text: str = ""
    answer: bool = False
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One answer. `stop`: end, tools, cut or refused."""

    line: int
    text: str
    calls: tuple[ScriptCall, ...]
    stop: str
    usage: ScriptUsage

    @property
    def thought(self) -> str:
        return f"What line {self.line + 1} was made of."

    def call_id(self, place: int, prefix: str) -> str:
        return f"{prefix}_s{self.line}_{place}"


class NothingLeft(Exception):
    """The file has no further answer."""


def mark(line: int, more: str = "") -> str:
    """A private part: base64, as signatures are."""
    return base64.b64encode(json.dumps({"line": line, "more": more}).encode()).decode()


def read_mark(text: Any) -> tuple[int, str] | None:
    try:
        found = json.loads(base64.b64decode(str(text), validate=True))
        return int(found["line"]), str(found["more"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def line_of_id(identity: Any) -> int | None:
    found = _ID.fullmatch(str(identity))
    return int(found[1]) if found else None


def speak(lines: Sequence[Line], told: Iterable[Told], body: Mapping[str, Any], *, tools: bool) -> Spoken:
    """Raises NothingLeft."""
    purposes = {"build", "fix"} if tools else {"planner"}
    unused = [index for index, line in enumerate(lines) if line.purpose in purposes]
    report = ""
    for each in told:
        if not each.answer:
            report = each.text if any(begin in each.text for begin in _REPORTS) else report
        elif each.line is None:
            _take(lines, unused, report)
        elif each.line in unused:
            unused.remove(each.line)
    found = _take(lines, unused, report)
    if found is None:
        raise NothingLeft
    line = lines[found]
    answer = line.answer
    size = len(json.dumps(body))
    usage = line.usage or ScriptUsage(input=size // 4, output=max(1, len(json.dumps(answer.model_dump())) // 4))
    return Spoken(found, answer.text, answer.calls, answer.stop, usage)


def _take(lines: Sequence[Line], unused: list[int], report: str) -> int | None:
    for place, index in enumerate(unused):
        when = lines[index].when
        if when is None or when.holds(report):
            return unused.pop(place)
    return None


def arguments_of(call: ScriptCall) -> str:
    """As text on the wire; a script may hold one that is no JSON."""
    return call.args if isinstance(call.args, str) else json.dumps(call.args, ensure_ascii=False)


def pieces(text: str, length: int = 40) -> list[str]:
    """A text as it is streamed."""
    return [text[start : start + length] for start in range(0, len(text), length)]
