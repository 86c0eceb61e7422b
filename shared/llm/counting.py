"""Numbers of a bill and arguments of a call, as foreign JSON has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.agent.data import clean, clean_all, read_json
from shared.ports import ToolCall, Usage

MISSING = Usage(0, reported=False)


def count(bill: Mapping[str, Any], *path: str) -> int:
    """A number of tokens somewhere below; 0 for whatever is none."""
    found: Any = bill
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def has_count(bill: Any, name: str) -> bool:
    return isinstance(bill, Mapping) and isinstance(bill.get(name), int) and not isinstance(bill[name], bool)


def read_call(id: Any, tool: Any, arguments: Any, place: int) -> ToolCall:
    """A call from its arguments as text (or as an object already). A missing id is made from its place in the answer."""
    name, identity = clean(str(tool or "")), clean(str(id or "")) or f"call_{place}"
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments) if arguments.strip() else {}
        except ValueError:
            return ToolCall(identity, name, {}, malformed=clean(arguments))
    if not isinstance(arguments, dict):
        return ToolCall(identity, name, {}, malformed=clean(json.dumps(arguments)))
    return ToolCall(identity, name, clean_all(arguments))
