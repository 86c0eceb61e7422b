"""A model that says what a conversation file says. It keeps no state: its place is found in the request itself.

Lines of the file are JSON objects:

    {"for": "planner" | "build" | "fix", "when": {"criterion": "AC-2", "conclusion": "failed"},
     "text": "...", "calls": [{"tool": "bash", "args": {...}}], "usage": {"input": 1, "cached": 0, "output": 1}}

`json` instead of `text` holds an object that is said as its JSON text (the planner's answers); `raw` instead of both says
something broken: {"text": "", "calls": [{"tool": ..., "args": "no json"}], "stop": "cut"}. A line with `when` is said
only while the newest report of proof names that criterion with that conclusion. Lines of one purpose are used in order,
each once: every answer in the conversation has used the first unused line that fitted when it was given. So the same
request gets the same answer, from whatever process, and a repeated one loses nothing. Calls that came back `interrupted`
are made again, as anybody would who is told that they were undone; that uses no line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import NotConfigured
from shared.ports import Answer, ModelFailed, Request, ToolCall, Usage

AGAIN = "That was cut short, so I do it again."


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Strict):
    criterion: str
    conclusion: str

    def holds(self, report: str) -> bool:
        """One line of the report names both; `_` and blank are the same in a conclusion's word."""
        word = re.escape(self.conclusion).replace("_", "[ _]")
        criterion = re.compile(rf"\b{re.escape(self.criterion)}\b")
        conclusion = re.compile(rf"\b{word}\b", re.IGNORECASE)
        return any(criterion.search(line) and conclusion.search(line) for line in report.splitlines())


class ScriptCall(_Strict):
    tool: str
    args: dict[str, Any] | str = Field(default_factory=dict)


class Raw(_Strict):
    """An answer as it must not be. `args` of a call may be a text that is no JSON."""

    text: str = ""
    calls: tuple[ScriptCall, ...] = ()
    stop: str = "end"


class ScriptUsage(_Strict):
    input: int
    cached: int = 0
    output: int


class Line(_Strict):
    """One answer of the file."""

    purpose: Literal["planner", "build", "fix"] = Field(alias="for")
    when: When | None = None
    text: str = ""
    said: dict[str, Any] | None = Field(default=None, alias="json")
    calls: tuple[ScriptCall, ...] = ()
    raw: Raw | None = None
    usage: ScriptUsage | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Line:
        ways = [bool(self.text or self.calls), self.said is not None, self.raw is not None]
        if sum(ways) != 1:
            raise ValueError("a line has either text and calls, or json, or raw")
        return self

    @property
    def answer(self) -> Raw:
        if self.raw is not None:
            return self.raw
        text = self.text if self.said is None else json.dumps(self.said, ensure_ascii=False)
        return Raw(text=text, calls=self.calls, stop="tools" if self.calls else "end")


def read_script(lines: Iterable[str], name: str) -> tuple[Line, ...]:
    """Raises NotConfigured with the number of a line that cannot be used. Blank lines and `//` lines are left out."""
    found = []
    for number, text in enumerate(lines, start=1):
        if not text.strip() or text.lstrip().startswith("//"):
            continue
        try:
            found.append(Line.model_validate_json(text))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise NotConfigured(
                f"{name} line {number}: {where or 'the line'}: {first['msg']}", "each line is one answer as JSON"
            ) from error
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """The `Model` of a conversation file."""

    lines: Sequence[Line]
    name: str = "the conversation file"

    @classmethod
    def load(cls, path: Path) -> ScriptedModel:
        """Raises NotConfigured when the file is missing or wrong."""
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise NotConfigured(f"the conversation file cannot be read: {error}", "set PERSEVERE_SCRIPT") from error
        return cls(read_script(text.split("\n"), path.name), path.name)

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        """The next line's answer. Raises ModelFailed when there is none."""
        lost = _interrupted(request)
        index = self._next(request) if lost is None else lost.line
        line = self.lines[index]
        answer = line.answer if lost is None else line.answer.model_copy(update={"text": AGAIN})
        calls = tuple(_call(call, number) for number, call in enumerate(answer.calls))
        if lost is not None:
            calls = tuple(call for call in calls if call.id in lost.calls)
        usage = line.usage or ScriptUsage(
            input=_tokens(request), output=max(1, len(json.dumps(answer.model_dump())) // 4)
        )
        return Answer(
            text=answer.text,
            calls=calls,
            usage=Usage(input=usage.input, cached=usage.cached, output=usage.output),
            stop=answer.stop,
            raw={"line": index} if lost is None else {"line": index, "again": True},
        )

    def _next(self, request: Request) -> int:
        """The index of the line to say: the conversation is walked through, each answer using up its line."""
        unused: dict[str, list[int]] = {}
        for index, line in enumerate(self.lines):
            unused.setdefault(line.purpose, []).append(index)
        report = ""
        for turn in request.turns:
            if turn["role"] == "assistant":
                if not turn["raw"].get("again"):
                    self._take(unused.get(turn["purpose"], []), report)
            elif turn["role"] == "user":
                report = turn["text"] if turn.get("evidence") else report
                gone: Mapping[str, int] = turn.get("answers_before", {})
                for purpose, count in gone.items():
                    for _ in range(count):
                        self._take(unused.get(purpose, []), report)
        found = self._take(unused.get(request.purpose, []), report)
        if found is None:
            words = f"{self.name} has no further answer for {request.purpose}"
            raise ModelFailed(words, cause="exhausted")
        return found

    def _take(self, unused: list[int], report: str) -> int | None:
        """Use the first line that is left and fits; its index."""
        for place, index in enumerate(unused):
            when = self.lines[index].when
            if when is None or when.holds(report):
                return unused.pop(place)
        return None


@dataclass(frozen=True, slots=True)
class _Lost:
    """Calls of the line that was said last."""

    line: int
    calls: frozenset[str]


def _interrupted(request: Request) -> _Lost | None:
    """What of the newest answer has to be done again; None when all of it has results."""
    line: int | None = None
    lost: frozenset[str] = frozenset()
    for turn in request.turns:
        if turn["role"] == "assistant":
            line, lost = turn["raw"].get("line"), frozenset()
        elif turn["role"] == "tool":
            lost = frozenset(each["id"] for each in turn["results"] if each["status"] == "interrupted")
    return _Lost(line, lost) if line is not None and lost else None


def _call(call: ScriptCall, index: int) -> ToolCall:
    if isinstance(call.args, str):
        return ToolCall(id=f"call-{index}", tool=call.tool, args={}, malformed=call.args)
    return ToolCall(id=f"call-{index}", tool=call.tool, args=call.args)


def _tokens(request: Request) -> int:
    """Four characters a token, as a real one would be about."""
    turns = sum(_length(turn) for turn in request.turns)
    return (len(request.system) + len(json.dumps(list(request.tools))) + turns) // 4


def _length(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(_length(each) for each in value.values())
        case list() | tuple():
            return sum(_length(each) for each in value)
        case _:
            return 0
