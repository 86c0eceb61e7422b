"""JSON of a model that nobody could store or send on is told as malformed; it never ends the asker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.planner.answer import Unusable, read_answer
from shared.agent.data import NESTING_MAX, read_json
from shared.llm import anthropic_model, gemini_model
from shared.llm.counting import read_call
from shared.llm.events import Broken, events
from shared.llm.provider_errors import GARBLED

DEEP = 100_000
NOBODY_TAKES = [
    '{"a": NaN}',
    '{"a": [-Infinity]}',
    '{"a": 1e999}',
    '{"a":' * DEEP,
    "[" * DEEP,
    '{"a":' * 900 + "1" + "}" * 900,
]
"""The last one can be parsed, and then neither be copied nor written."""


@pytest.mark.parametrize("arguments", NOBODY_TAKES)
def test_arguments_that_cannot_be_carried_are_malformed(arguments: str) -> None:
    call = read_call("call_1", "bash", arguments, 0)
    assert (dict(call.args), call.malformed) == ({}, arguments)


@pytest.mark.parametrize(
    "arguments", ['{"a": 1e300}', '{"a": -0.5, "b": [null, true]}', '{"a": 123456789012345678901}']
)
def test_arguments_that_can_be_carried_are_taken(arguments: str) -> None:
    call = read_call("call_1", "bash", arguments, 0)
    assert (dict(call.args), call.malformed) == (json.loads(arguments), None)


def test_nesting_is_taken_up_to_a_bound() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    assert json.dumps(read_json(nested(NESTING_MAX))) == nested(NESTING_MAX)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(nested(NESTING_MAX + 2))


@pytest.mark.parametrize("text", NOBODY_TAKES)
def test_an_event_that_cannot_be_carried_is_garbled(text: str) -> None:
    with pytest.raises(Broken) as broken:
        list(events([f"data: {text}\n\n".encode()], lambda: None, 1.0, lambda: 0.0))
    assert broken.value.trouble.code == GARBLED


@pytest.mark.parametrize("text", NOBODY_TAKES)
def test_a_spec_that_cannot_be_carried_goes_back_to_the_model(text: str) -> None:
    with pytest.raises(Unusable):
        read_answer(f"{text}}}", "either", 3)


def test_anthropic_s_next_question_has_no_number_that_json_has_not() -> None:
    """The model's own words stand in the conversation, and go to the provider as the body of a request."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {}}
    stream: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"n": NaN}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    answer = anthropic_model.read(iter(stream), "model", "")
    assert answer.calls[0].malformed == '{"n": NaN}'
    json.dumps(answer.raw, allow_nan=False)


def test_gemini_s_arguments_come_with_the_event() -> None:
    part = {"functionCall": {"name": "bash", "args": {"n": 1}}}
    text = json.dumps({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})
    chunks = [f"data: {text}\n\n".encode()]
    answer = gemini_model.read(events(chunks, lambda: None, 1.0, lambda: 0.0), "model")
    assert [dict(call.args) for call in answer.calls] == [{"n": 1}]
