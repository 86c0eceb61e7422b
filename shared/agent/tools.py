"""The agent's six tools: what a model is told of them, and what a call must look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from shared.domain.shape import Strict


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character cannot be passed on")
    return text


Text = Annotated[str, AfterValidator(_no_nul)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_no_nul)]


class Bash(Strict):
    command: Name
    timeout_s: int | None = Field(default=None, ge=1, le=1800)


class View(Strict):
    path: Name
    start: int | None = Field(default=None, ge=1)
    end: int | None = Field(default=None, ge=1)


class Replacement(Strict):
    old: Annotated[str, Field(min_length=1)]
    new: str
    count: int | None = Field(default=None, ge=1)


class Edit(Strict):
    path: Name
    changes: tuple[Replacement, ...] = Field(min_length=1)


class Write(Strict):
    path: Name
    content: str


class Prove(Strict):
    criterion: Name
    command: Name


class Finish(Strict):
    summary: Name
    unmet: tuple[Text, ...] = ()


TOOLS: Mapping[str, type[Strict]] = {
    "bash": Bash,
    "view": View,
    "edit": Edit,
    "write": Write,
    "prove": Prove,
    "finish": Finish,
}

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}


def _schema(name: str, description: str, properties: dict[str, Any], optional: str = "") -> dict[str, Any]:
    required = [key for key in properties if key not in optional.split()]
    return {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
    }


SCHEMAS: tuple[dict[str, Any], ...] = (
    _schema(
        "bash",
        "Run a command line in the repository's root, in a fresh shell. Long output is clipped in the middle and kept "
        "whole in a file that is named.",
        {"command": _TEXT, "timeout_s": _NUMBER},
        optional="timeout_s",
    ),
    _schema(
        "view",
        "Show a file with line numbers, or list a directory. Lines count from 1.",
        {"path": _TEXT, "start": _NUMBER, "end": _NUMBER},
        optional="start end",
    ),
    _schema(
        "edit",
        "Replace exact text in a file, all changes or none. `old` must occur `count` times (default 1).",
        {
            "path": _TEXT,
            "changes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"old": _TEXT, "new": _TEXT, "count": _NUMBER},
                    "required": ["old", "new"],
                    "additionalProperties": False,
                },
            },
        },
    ),
    _schema("write", "Create or replace a file.", {"path": _TEXT, "content": _TEXT}),
    _schema(
        "prove",
        "Run the check of one criterion, to know before you finish. Use the spec's own command where it has one.",
        {"criterion": _TEXT, "command": _TEXT},
    ),
    _schema(
        "finish",
        "Hand the work over to be proved. Alone or last in an answer. `unmet` names criteria that do not hold.",
        {"summary": _TEXT, "unmet": {"type": "array", "items": _TEXT}},
        optional="unmet",
    ),
)
