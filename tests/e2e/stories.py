"""What stories are made of: a repository that a machine sets up in no time, and conversations about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

GREET = 'def greet(name):\n    return "hi " + name\n'
HELLO = 'def greet(name):\n    return "hello " + name\n'
SETTINGS = "setup: 'true'\nbudget: $2\n"

SAMPLE: Mapping[str, Any] = {"greet.py": GREET, ".github/persevere.yml": SETTINGS}

SAYS_HELLO = "python -c \"import greet; assert greet.greet('you') == 'hello you', greet.greet('you')\""
TAKES_A_NAME = "python -c \"import greet; assert greet.greet('you').endswith('you')\""

Line = dict[str, Any]


def settings(more: str) -> dict[str, Any]:
    """The sample with other settings beside the set-up."""
    return {**SAMPLE, ".github/persevere.yml": f"setup: 'true'\n{more}"}


def criterion(id: str, kind: str, text: str, run: str, **check: Any) -> dict[str, Any]:
    return {"id": id, "kind": kind, "text": text, "check": {"origin": "spec", "kind": "command", "run": run, **check}}


HELLO_IS_SAID = criterion("AC-1", "new", "greet says hello", SAYS_HELLO)
NAME_IS_KEPT = criterion("AC-2", "keep", "greet names whom it greets", TAKES_A_NAME)


def spec(*criteria: dict[str, Any], **more: Any) -> Line:
    """The planner's answer: a spec with these criteria (the sample's two)."""
    document = {
        "title": "Greet people with hello",
        "goals": ["Whoever is greeted reads hello."],
        "criteria": list(criteria or (HELLO_IS_SAID, NAME_IS_KEPT)),
        **more,
    }
    return {"for": "planner", "json": {"spec": document}}


def build(*calls: tuple[str, dict[str, Any]], text: str = "On it.", **more: Any) -> Line:
    """One answer of the building model."""
    return {"for": "build", "text": text, "calls": [{"tool": tool, "args": args} for tool, args in calls], **more}


def write(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return "write", {"path": path, "content": content}


def bash(command: str) -> tuple[str, dict[str, Any]]:
    return "bash", {"command": command}


def finish(summary: str = "greet says hello.") -> tuple[str, dict[str, Any]]:
    return "finish", {"summary": summary}


def raw(text: str = "", *calls: tuple[str, Any], stop: str = "end", purpose: str = "build") -> Line:
    """An answer as it must not be."""
    called = [{"tool": tool, "args": args} for tool, args in calls]
    return {"for": purpose, "raw": {"text": text, "calls": called, "stop": stop}}


REPAIRS: Sequence[Line] = (build(write("greet.py", HELLO), finish()),)
GOOD: Sequence[Line] = (spec(), *REPAIRS)
"""A spec, and the change that meets it."""
