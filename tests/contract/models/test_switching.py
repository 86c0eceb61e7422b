"""After a switch of provider or model, at any step, the recorded conversation is valid for the next one.

Answers are made as the providers make them: the next question is rendered, checked by the rules of its format, and
answered in that format; what the adapter read of it is recorded. Then history is folded, results are lost, words come in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from local.model_server import anthropic_format, chat_format, gemini_format, openai_format
from local.model_server.script import Spoken
from local.scripted_model import ScriptCall, ScriptUsage
from shared.agent.turns import Turn, user
from shared.llm import anthropic_model, compatible_model, gemini_model, openai_model
from shared.llm.conversation import Heard, Said, exchanges
from shared.ports import Answer, Request
from tests.contract.models.desk import OPENING, question, said

MODELS = ("scripted-1", "scripted-2")
FORMATS: Mapping[str, ModuleType] = {
    "anthropic": anthropic_format,
    "openai": openai_format,
    "gemini": gemini_format,
    "compatible": chat_format,
}


def render(provider: str, request: Request, model: str) -> dict[str, Any]:
    match provider:
        case "anthropic":
            return anthropic_model.render(request, model)[0]
        case "openai":
            return openai_model.render(request, model)
        case "gemini":
            return gemini_model.render(request, model)
        case _:
            return compatible_model.render(request, model)


def check(provider: str, request: Request, model: str) -> dict[str, Any]:
    """The body as it goes over the wire. Raises Refused where it breaks a rule of the format."""
    body: dict[str, Any] = json.loads(json.dumps(render(provider, request, model)))
    FORMATS[provider].check(body, {"anthropic-version": "x"})
    return body


def answer_of(provider: str, model: str, turns: list[Turn], spoken: Spoken) -> Answer:
    request = question(*turns)
    body = check(provider, request, model)
    events = json.loads(json.dumps(list(FORMATS[provider].events(spoken, body, bill=True))))
    match provider:
        case "anthropic":
            return anthropic_model.read(events, model, anthropic_model.render(request, model)[1])
        case "openai":
            return openai_model.read(events, model)
        case "gemini":
            return gemini_model.read(events, model)
        case _:
            return compatible_model.read(events, model)


TEXTS = st.sampled_from(["", " \n", "I look.", "naïve 🦀\u2028", "half \ud800 a pair"])
CALLS = st.lists(
    st.builds(
        ScriptCall,
        tool=st.sampled_from(["bash", "view", "write", "edit", "bash", "no such tool!", "", "a" * 90]),
        args=st.sampled_from([{"command": "ls"}, {}, {"a": 1}, {"deep": {"a": [1, None]}}, "no json", '{"cut', "[1]"]),
    ),
    max_size=2,
).map(tuple)
ANSWERS = st.fixed_dictionaries(
    {
        "do": st.just("answer"),
        "provider": st.sampled_from(sorted(FORMATS)),
        "model": st.sampled_from(MODELS),
        "text": TEXTS,
        "calls": CALLS,
        "stop": st.sampled_from(["end", "tools", "tools", "cut", "refused"]),
        "line": st.integers(0, 1),  # few, so that ids come twice
        "results": st.sampled_from(["all", "all", "all", "none", "some", "odd"]),
    }
)
OTHERS = st.one_of(
    st.fixed_dictionaries({"do": st.just("hear"), "text": TEXTS}),
    st.fixed_dictionaries({"do": st.just("fold"), "kept": st.integers(0, 6)}),
    st.fixed_dictionaries({"do": st.just("orphan")}),
)


def played(steps: list[dict[str, Any]]) -> list[Turn]:
    turns: list[Turn] = []
    for step in steps:
        match step["do"]:
            case "answer":
                spoken = Spoken(step["line"], step["text"], step["calls"], step["stop"], ScriptUsage(input=9, output=9))
                answer = answer_of(step["provider"], step["model"], turns, spoken)
                turns.append(said(answer))
                turns += _results(answer, step["results"])
            case "hear":
                turns.append(user(step["text"]))
            case "fold":
                turns = [user("What was done so far."), *turns[len(turns) - step["kept"] :]]
            case _:
                turns.append({"role": "tool", "results": [{"id": "gone", "tool": "bash", "status": "ok", "text": "x"}]})
    return turns


def _results(answer: Answer, which: str) -> list[Turn]:
    found = [
        {"id": call.id, "tool": call.tool, "status": status, "text": "x" if status == "ok" else ""}
        for call, status in zip(answer.calls, ("ok", "interrupted", "error"), strict=False)
    ]
    if not found or which == "none":
        return []
    if which == "some":
        found = found[:-1]
    if which == "odd":
        found = [{**each, "id": "other"} for each in found]
    return [{"role": "tool", "results": found}] if found else []


TWICE = {"do": "answer", "model": MODELS[0], "text": "", "stop": "tools", "line": 0, "results": "all"}
TWICE |= {"provider": "anthropic", "calls": (ScriptCall(tool="view", args={"path": "a.py"}),)}


@given(st.lists(st.one_of(ANSWERS, ANSWERS, ANSWERS, OTHERS), max_size=7))
@example([TWICE, TWICE])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_recorded_conversation_is_valid_for_every_provider(steps: list[dict[str, Any]]) -> None:
    turns = played(steps)
    for provider in FORMATS:
        for model in MODELS:
            check(provider, question(*turns), model)


@given(st.lists(st.one_of(ANSWERS, OTHERS), max_size=6), st.sampled_from(sorted(FORMATS)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_call_has_its_result_and_turns_alternate(steps: list[dict[str, Any]], provider: str) -> None:
    found = exchanges((OPENING, *played(steps)), provider, MODELS[0])
    assert isinstance(found[0], Heard)
    assert isinstance(found[-1], Heard)
    for before, after in pairwise(found):
        assert isinstance(before, Said) != isinstance(after, Said)
        if isinstance(before, Said):
            assert isinstance(after, Heard)
            assert [result.id for result in after.results] == [call.id for call in before.calls]


PARAMS: Mapping[str, Any] = {
    "anthropic": MessageCreateParamsStreaming,
    "openai": ResponseCreateParamsStreaming,
    "compatible": CompletionCreateParamsStreaming,
}


@cache
def typed(provider: str) -> Callable[[Any], Any]:
    return TypeAdapter(PARAMS[provider]).validate_python


def whole(value: Any) -> Any:
    """With every lazy iterator read: only then is what it holds validated."""
    match value:
        case str() | int() | float() | None:
            return value
        case dict():
            return {key: whole(each) for key, each in value.items()}
        case _:
            return [whole(each) for each in value]


@pytest.mark.parametrize("provider", sorted(PARAMS))
@pytest.mark.parametrize("stop", ["tools", "cut", "refused"])
def test_bodies_are_what_the_client_s_own_types_say(provider: str, stop: str) -> None:
    """Nothing is sent that the client of this version does not know: a parameter it dropped would be missing here."""
    calls = (ScriptCall(tool="view", args={"path": "a.py"}), ScriptCall(tool="bash", args="no json"))
    first = {"do": "answer", "model": MODELS[0], "text": "I look.", "calls": calls[:1], "stop": "tools", "line": 0}
    turns = played(
        [
            first | {"provider": "gemini", "results": "all"},
            first | {"provider": provider, "line": 1, "results": "all"},
            first | {"provider": provider, "line": 2, "results": "some", "calls": calls, "stop": stop},
        ]
    )
    for request in (question(*turns), question(*turns, schema={"type": "object", "properties": {}})):
        body = check(provider, request, MODELS[0]) | {"stream": True}
        for message in body.get("messages", ()):
            message.pop("extra_content", None)  # what a compatible server added to its own answer
        assert whole(typed(provider)(body)) == body
