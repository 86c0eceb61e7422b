"""The agent's tool calls, as a conversation file spells them."""

from __future__ import annotations

from typing import Any

Call = dict[str, Any]


def bash(command: str) -> Call:
    return {"tool": "bash", "args": {"command": command}}


def view(path: str, start: int | None = None, end: int | None = None) -> Call:
    lines = {name: line for name, line in (("start", start), ("end", end)) if line is not None}
    return {"tool": "view", "args": {"path": path, **lines}}


def edit(path: str, old: str, new: str) -> Call:
    """`old` must stand in the file exactly once."""
    return {"tool": "edit", "args": {"path": path, "changes": [{"old": old, "new": new}]}}


def write(path: str, content: str) -> Call:
    return {"tool": "write", "args": {"path": path, "content": content}}


def finish(summary: str) -> Call:
    return {"tool": "finish", "args": {"summary": summary}}
