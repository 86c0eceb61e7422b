"""Each adapter against `llmock`, a server of the same formats that nobody here wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import llmock.testing as testing
import pytest
from llmock.chaos import ChaosSettings
from llmock.journal import RequestRecord
from llmock.scenarios import Behavior, Fail, Reply, StreamFault, ToolCall, ToolFault
from llmock.simulation import MockResponseSettings
from llmock.testing import LLMockServer

from functions.planner.answer import PlanReply
from shared.agent.turns import Turn
from shared.errors import Retryable
from shared.llm.access import Access
from shared.llm.providers import open_model
from shared.ports import Model, ModelBusy, ModelFailed
from tests.contract.models.desk import IMPATIENT_S, PROVIDERS, SILENCES_S, ask, question, said, used

MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-5.6", "gemini": "gemini-3.8-flash", "compatible": "llama"}
VIEW = ToolCall("view", {"path": "a.py"})
BASH = ToolCall("bash", {"command": "echo 'naïve 🦀'"})

every = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture(scope="module")
def running() -> Iterator[LLMockServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_STARTUP_TIMEOUT", 120.0)
        with LLMockServer(chaos=ChaosSettings(), responses=MockResponseSettings(tool_mode="off")) as server:
            yield server


@pytest.fixture
def llmock(running: LLMockServer) -> LLMockServer:
    running.state.reset()
    return running


def opened(server: LLMockServer, provider: str, *behaviors: Behavior, silent_s: float = 120) -> Model:
    server.state.scenarios.add(*behaviors)
    base = server.base_url("openai" if provider == "compatible" else provider)
    return open_model(f"{provider}:{MODELS[provider]}", Access("any key", base, connect_s=60, silent_s=silent_s))


def asked(server: LLMockServer) -> list[RequestRecord]:
    """Once they are over; who has left may have done so before the server had even read what it was asked."""
    until = time.monotonic() + 120
    while not (found := server.state.journal.records(wait=120)) and time.monotonic() < until:
        time.sleep(0.02)
    return list(found)


@every
def test_text_and_calls_in_one_conversation(llmock: LLMockServer, provider: str) -> None:
    replies = [Reply(text="I look. 🦀"), Reply(tool_calls=(VIEW,)), Reply(tool_calls=(VIEW, BASH)), Reply(text="Done.")]
    model = opened(llmock, provider, *replies)
    history: list[Turn] = []
    seen = []
    for _ in replies:
        answer = ask(model, question(*history))
        seen.append((answer.text, [(call.tool, dict(call.args)) for call in answer.calls], answer.stop))
        assert answer.usage.reported
        assert answer.usage.input > 0
        history += [said(answer), used(answer.calls) if answer.calls else {"role": "user", "text": "Go on."}]
    view, bash = ("view", VIEW.arguments), ("bash", BASH.arguments)
    assert seen == [("I look. 🦀", [], "end"), ("", [view], "tools"), ("", [view, bash], "tools"), ("Done.", [], "end")]


@every
def test_structured_output_is_asked_for_in_a_way_that_it_understands(llmock: LLMockServer, provider: str) -> None:
    """It makes an example of the schema that it was told; Anthropic's way of telling it does not know."""
    answer = ask(opened(llmock, provider), question(schema=PlanReply.model_json_schema(), purpose="planner"))
    if provider == "anthropic":
        return
    assert set(json.loads(answer.text)) == {"questions", "known", "spec"}


@every
def test_calls_as_they_must_not_be(llmock: LLMockServer, provider: str) -> None:
    call = Reply(tool_calls=(VIEW,))
    model = opened(llmock, provider, call, ToolFault("unknown_tool"))
    assert ask(model, question()).calls[0].tool == "llmock_unknown_tool"
    model = opened(llmock, provider, call, ToolFault("malformed_arguments"))
    answer = ask(model, question())
    if provider == "gemini":
        return  # its format has no place for arguments that are no object
    assert answer.calls[0].malformed
    assert ask(model, question(said(answer), used(answer.calls))).stop == "end"


@every
def test_cut_by_the_limit_of_tokens(llmock: LLMockServer, provider: str) -> None:
    assert ask(opened(llmock, provider, Reply(text="I wri", finish_reason="length")), question()).stop == "cut"


@every
@pytest.mark.parametrize(
    ("status", "retry_after", "cause"),
    [
        (429, None, "rate"),
        (429, 7.0, "rate"),
        (500, None, "overloaded"),
        (503, None, "overloaded"),
        (529, None, "overloaded"),
    ],
)
def test_busy(llmock: LLMockServer, provider: str, status: int, retry_after: float | None, cause: str) -> None:
    model = opened(llmock, provider, Fail(status, retry_after=retry_after))
    with pytest.raises(ModelBusy) as caught:
        ask(model, question())
    assert caught.value.cause == cause
    assert retry_after is None or caught.value.after_s == retry_after
    assert len(asked(llmock)) == 1


@every
@pytest.mark.parametrize(
    ("fail", "cause"),
    [
        (Fail(401), "key"),
        (Fail(403), "key"),
        (Fail(404), "model"),
        (Fail(400, code="context_length_exceeded", message="the maximum context length was exceeded"), "too_long"),
        (Fail(422), "request"),
    ],
    ids=lambda each: str(each.status) if isinstance(each, Fail) else each,
)
def test_failed(llmock: LLMockServer, provider: str, fail: Fail, cause: str) -> None:
    model = opened(llmock, provider, fail)
    with pytest.raises(ModelFailed) as caught:
        ask(model, question())
    assert caught.value.cause == cause
    assert len(asked(llmock)) == 1


@every
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed", "stall"])
def test_broken_streams_are_lost(llmock: LLMockServer, provider: str, kind: str) -> None:
    """None of them is taken for an answer, though the clients themselves say nothing of some."""
    for silence_s in SILENCES_S if kind == "stall" else (0,):
        llmock.state.reset()
        fault = StreamFault(kind, after_chunks=2, stall_seconds=silence_s)  # type: ignore[arg-type]
        silent_s = IMPATIENT_S if kind == "stall" else 120
        model = opened(llmock, provider, Reply(text="a long answer " * 30), fault, silent_s=silent_s)
        with suppress(Retryable):
            ask(model, question())
            continue
        break
    else:
        pytest.fail("it was taken for an answer")
    assert len(asked(llmock)) == 1
