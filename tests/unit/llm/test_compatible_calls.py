"""Calls in pieces, as servers that speak Chat Completions really cut and number them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.llm import compatible_model


def piece(arguments: str, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"function": {"arguments": arguments, **name}, **more}


ONE = {"a": 1}
TWO = {"b": 2}
PIECES = {
    "numbered as they should be": [
        piece("", index=0, id="c1", type="function", name="one"),
        piece('{"a"', index=0),
        piece(": 1}", index=0),
        piece('{"b": ', index=1, id="c2", name="two"),
        piece("2}", index=1),
    ],
    "two at once, piece by piece": [
        piece('{"a"', index=0, id="c1", name="one"),
        piece('{"b"', index=1, id="c2", name="two"),
        piece(": 1}", index=0),
        piece(": 2}", index=1),
    ],
    "every one is number 0": [
        piece('{"a": 1}', index=0, id="c1", name="one"),
        piece('{"b": 2}', index=0, id="c2", name="two"),
    ],
    "every one is number 0, in pieces": [
        piece('{"a"', index=0, id="c1", name="one"),
        piece(": 1}", index=0),
        piece('{"b"', index=0, id="c2", name="two"),
        piece(": 2}", index=0, id=""),
    ],
    "the id stands on each piece": [
        piece('{"a"', index=0, id="c1", name="one"),
        piece(": 1}", index=0, id="c1", name="one"),
        piece('{"b": 2}', index=1, id="c2", name="two"),
    ],
    "without numbers": [
        piece('{"a": ', id="c1", name="one"),
        piece("1}"),
        piece('{"b": 2}', id="c2", name="two"),
    ],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES.keys())
def test_each_call_is_put_together_from_its_own_pieces(pieces: list[dict[str, Any]]) -> None:
    stream: list[dict[str, Any]] = [{"choices": [{"delta": {"tool_calls": [each]}}]} for each in pieces]
    stream.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    answer = compatible_model.read(iter(stream), "m")
    assert [(call.id, call.tool, call.args) for call in answer.calls] == [("c1", "one", ONE), ("c2", "two", TWO)]
    assert [each["id"] for each in answer.raw["turn"]["tool_calls"]] == ["c1", "c2"]
