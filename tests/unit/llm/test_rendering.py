"""What a provider is sent stays the same from its beginning on, byte for byte; schemas in each provider's subset."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.planner.answer import PlanReply
from local.model_server import anthropic_format
from local.model_server.refusal import check_schema
from local.model_server.script import Spoken
from local.scripted_model import ScriptCall, ScriptUsage
from shared.agent.turns import NOTHING_SAID, Turn
from shared.llm import gemini_model
from shared.llm.events import Broken, events, legible
from shared.llm.schema import DIALECTS, translated
from tests.contract.models.desk import PROVIDERS, question, said, used
from tests.contract.models.test_switching import answer_of, render

STEPS = 100


def conversation(provider: str, model: str, steps: int) -> list[Turn]:
    turns: list[Turn] = []
    for step in range(steps):
        call = ScriptCall(tool="bash", args={"command": f"echo {step}"})
        spoken = Spoken(step, f"step {step}", (call,), "tools", ScriptUsage(input=9, output=9))
        answer = answer_of(provider, model, turns, spoken)
        turns += [said(answer), used(answer.calls, f"output {step}")]
    return turns


def pieces(body: dict[str, Any]) -> list[str]:
    """Everything in the order in which it is cached, without the marks of where."""
    listed = body.get("messages") or body.get("input") or body.get("contents") or []
    fixed = [body.get("system"), body.get("instructions"), body.get("systemInstruction"), body.get("tools")]
    fixed += [body.get("prompt_cache_key"), body.get("generationConfig")]
    return [json.dumps(_unmarked(each)) for each in [fixed, *listed]]


def _unmarked(value: Any) -> Any:
    match value:
        case dict():
            return {key: _unmarked(each) for key, each in value.items() if key != "cache_control"}
        case list():
            return [_unmarked(each) for each in value]
        case _:
            return value


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_hundred_steps_only_add_to_the_end(provider: str) -> None:
    turns = conversation(provider, "scripted-1", STEPS)
    before = pieces(render(provider, question(*turns[:2]), "scripted-1"))
    for step in range(2, STEPS, 7):
        now = pieces(render(provider, question(*turns[: 2 * step]), "scripted-1"))
        assert now[: len(before)] == before
        before = now
    assert json.dumps(render(provider, question(*turns), "m")) == json.dumps(render(provider, question(*turns), "m"))


def test_cache_breakpoints_move_forward_only_and_meet_the_last_ones() -> None:
    turns = conversation("anthropic", "scripted-1", 10)
    last: list[int] = []
    for step in range(10):
        body = render("anthropic", question(*turns[: 2 * step]), "scripted-1")
        marked = [place for place, each in enumerate(body["messages"]) if "cache_control" in json.dumps(each)]
        assert marked[-1] == len(body["messages"]) - 1
        assert marked >= last
        assert not last or last[-1] in marked
        last = marked


def test_thinking_is_left_out_behind_a_fold_and_kept_before_it() -> None:
    turns = conversation("anthropic", "scripted-1", 3)
    kept = render("anthropic", question(*turns), "scripted-1")
    assert sum(block["type"] == "thinking" for each in kept["messages"] for block in each["content"]) == 3
    folded = render("anthropic", question({"role": "user", "text": "What was done."}, *turns[2:]), "scripted-1")
    assert sum(block["type"] == "thinking" for each in folded["messages"] for block in each["content"]) == 0
    anthropic_format.check(folded, {"anthropic-version": "x"})


THOUGHT = {"text": "Hm.", "thought": True}
SIGNED = {"thoughtSignature": "c2lnbmVk"}


@pytest.mark.parametrize(
    ("parts", "sent"),
    [
        ([THOUGHT], [THOUGHT, {"text": NOTHING_SAID}]),
        ([THOUGHT, {"text": "", **SIGNED}], [THOUGHT, {"text": "", **SIGNED}, {"text": NOTHING_SAID}]),
        ([THOUGHT, {"text": "Yes."}, SIGNED], [THOUGHT, {"text": "Yes."}, {"text": "", **SIGNED}]),
        ([{"text": "Yes."}, {}, {"text": ""}, {"thought": True}], [{"text": "Yes."}]),
        (
            [{"functionCall": {"name": "f", "args": {}}, **SIGNED}],
            [{"functionCall": {"name": "f", "args": {}}, **SIGNED}],
        ),
    ],
)
def test_gemini_gets_its_parts_back_each_with_data_and_never_thoughts_alone(parts: list[Any], sent: list[Any]) -> None:
    candidate = {"content": {"parts": parts}, "finishReason": "STOP"}
    answer = gemini_model.read(iter([{"candidates": [candidate]}]), "m")
    body = gemini_model.render(question(said(answer), used(answer.calls)), "m")
    assert body["contents"][1] == {"role": "model", "parts": sent}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_planner_s_schema_is_in_the_subset(dialect: str) -> None:
    made = translated(PlanReply.model_json_schema(), dialect)
    check_schema(made, DIALECTS[dialect], strict=True)
    assert "AC-" not in json.dumps(made)  # patterns are checked here


def test_what_may_be_left_out_can_be_null() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "string"},
            "c": {"type": "string", "default": "", "maxLength": 3},
            "d": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "e": {"const": "x"},
        },
        "required": ["a", "e"],
    }
    made = translated(schema, "gemini")
    assert made["required"] == ["a", "b", "c", "d", "e"]
    assert made["properties"] == {
        "a": {"type": "string"},
        "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "c": {"type": "string"},
        "d": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "e": {"enum": ["x"]},
    }


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([b'data: {"a": 1}\n\n', b'data: {"a": 2}\n\n'], [{"a": 1}, {"a": 2}]),
        ([b"da", b'ta:{"a"', b": 1}\r", b"\n\r\n"], [{"a": 1}]),
        ([b': ping\n\nevent: x\ndata: {"a":\ndata: 1}\n\n'], [{"a": 1}]),
        ([b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"a": 2}\n\n'], [{"a": 1}]),
        ([b'data: {"a": 1}'], [{"a": 1}]),
        (['data: {"a": "\u2028\x85"}\n\n'.encode()], [{"a": "\u2028\x85"}]),
        (["\ufeffdata: {}\n\n".encode()[:2], "\ufeffdata: {}\n\n".encode()[2:], b'data: {"a": 1}\n\n'], [{}, {"a": 1}]),
        ([b'\n{"a":\n', b' "data: 1"}\n'], [{"a": "data: 1"}]),
        ([b'[{"a": 1}]'], [{"a": 1}]),
        ([b": ping\n\n"], []),
        ([], []),
    ],
)
def test_events_however_they_are_cut(chunks: list[bytes], found: list[Any]) -> None:
    assert list(events(chunks, lambda: None, 10.0, lambda: 0.0)) == found


@pytest.mark.parametrize(
    ("chunks", "now", "code"),
    [
        ([b'data: {"a": \n\n'], 0.0, "garbled"),
        ([b"data: [1]\n\n"], 0.0, "garbled"),
        ([b'data: {"a": 1'], 0.0, "garbled"),
        ([b'data: {"a": 1}\n\n'], 10.1, "late"),
        ([b"x" * 33_000_000], 0.0, "huge"),
    ],
)
def test_events_that_are_no_answer(chunks: list[bytes], now: float, code: str) -> None:
    with pytest.raises(Broken) as caught:
        list(events(chunks, lambda: None, 10.0, lambda: now))
    assert caught.value.trouble.code == code


def test_an_answer_of_another_shape_is_broken_not_a_defect_of_ours() -> None:
    with pytest.raises(Broken), legible():
        raise KeyError("content_block")


def _parts(schema: Any) -> list[dict[str, Any]]:
    """A schema and every schema below it."""
    if not isinstance(schema, dict):
        return []
    below = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    return [schema, *(part for each in [*below, schema.get("items")] for part in _parts(each))]


@pytest.mark.parametrize("dialect", ["anthropic", "openai", "gemini"])
def test_the_planner_s_schema_is_one_that_the_provider_takes(dialect: str) -> None:
    """By their own pages on structured outputs, not by our table: the scripted server checks with that one."""
    schema = translated(PlanReply.model_json_schema(), dialect)
    parts = _parts(schema)
    assert schema["type"] == "object" and "anyOf" not in schema, "OpenAI: the root is an object"
    assert all(set(part) == {"$ref"} for part in parts if "$ref" in part), "OpenAI, Gemini: nothing beside a $ref"
    never = {"pattern", "minLength", "maxLength", "default", "title", "format", "oneOf", "allOf", "prefixItems", "not"}
    assert not [part for part in parts if never & set(part)]
    objects = [part for part in parts if part.get("type") == "object"]
    assert all(part["additionalProperties"] is False and part["properties"] for part in objects)
    assert all(sorted(part["required"]) == sorted(part["properties"]) for part in objects)
    if dialect == "anthropic":
        counted = {"minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
        assert not [part for part in parts if counted & set(part)]
    if dialect == "gemini":
        assert not [part for part in parts if {"const", "exclusiveMinimum", "exclusiveMaximum"} & set(part)]
