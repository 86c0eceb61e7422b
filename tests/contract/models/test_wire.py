"""Each provider's adapter against the scripted provider, over HTTP: what comes back, and what becomes of each trouble."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest

from functions.planner.answer import PlanReply
from local.model_server.server import Fault, ModelServer
from shared.agent.turns import Turn
from shared.errors import Retryable
from shared.llm.access import Access
from shared.llm.providers import open_model
from shared.ports import ModelBusy, ModelFailed
from tests.contract.models.desk import IMPATIENT_S, PROVIDERS, SILENCES_S, ask, desk_of, open_here, question, said, used

BASH = {"tool": "bash", "args": {"command": "echo 'naïve 🦀'"}}
VIEW = {"tool": "view", "args": {"path": "a.py"}}
USAGE = {"input": 1000, "cached": 800, "output": 90}

every = pytest.mark.parametrize("provider", PROVIDERS)


@every
@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"text": "All is well. naïve 🦀\u2028end"}, id="text"),
        pytest.param({"text": "I look.", "calls": [VIEW]}, id="one call"),
        pytest.param({"text": "", "calls": [VIEW, BASH, VIEW]}, id="several calls, no text"),
        pytest.param({"calls": [{"tool": "nothing_like_it", "args": {}}]}, id="a tool that there is not"),
    ],
)
def test_what_is_said_comes_through(provider: str, line: dict[str, Any]) -> None:
    with ModelServer(desk_of(line | {"usage": USAGE})) as server:
        answer = ask(open_here(server, provider), question())
    assert answer.text == line.get("text", "")
    assert [(call.tool, call.args, call.malformed) for call in answer.calls] == [
        (call["tool"], call["args"], None) for call in line.get("calls", ())
    ]
    assert answer.stop == ("tools" if line.get("calls") else "end")
    bill = answer.usage
    assert (bill.input, bill.cached, bill.output, bill.reported) == (1000, 800, 90, True)
    assert json.loads(json.dumps(dict(answer.raw)))["provider"] == provider


@every
def test_private_parts_go_back_as_they_came(provider: str) -> None:
    """The server refuses calls without their signature, and thinking whose beginning is another one."""
    desk = desk_of({"text": "I look.", "calls": [VIEW, BASH]}, {"calls": [VIEW]}, {"text": "Done."})
    history: list[Turn] = []
    with ModelServer(desk) as server:
        model = open_here(server, provider)
        for expected in ("tools", "tools", "end"):
            answer = ask(model, question(*history))
            assert answer.stop == expected
            history += [said(answer), *([used(answer.calls)] if answer.calls else [])]
    last = json.dumps(desk.asked[-1])
    private = _private(provider, json.loads(json.dumps(history)))
    assert len(private) >= 2
    assert all(json.dumps(each) in last for each in private)


def _private(provider: str, history: list[Any]) -> list[Any]:
    turns = [turn["raw"]["turn"] for turn in history if turn["role"] == "assistant"][:2]
    match provider:
        case "anthropic":
            return [block["signature"] for turn in turns for block in turn if block["type"] == "thinking"]
        case "openai":
            return [item["encrypted_content"] for turn in turns for item in turn if item["type"] == "reasoning"]
        case "gemini":
            return [part["thoughtSignature"] for turn in turns for part in turn if "thoughtSignature" in part]
        case _:
            return [turn["extra_content"] for turn in turns]


@every
def test_bytes_that_come_keep_the_asker_alive(provider: str) -> None:
    heard: list[int] = []
    with ModelServer(desk_of({"text": "x" * 4000})) as server:
        ask(open_here(server, provider), question(), lambda: heard.append(1))
    assert len(heard) > 3


@every
def test_an_answer_that_is_cut_is_told_from_a_whole_one(provider: str) -> None:
    cut = {"raw": {"text": "I wri", "calls": [{"tool": "write", "args": '{"path": "a.py", "cont'}], "stop": "cut"}}
    desk = desk_of(cut, {"text": "Again."})
    with ModelServer(desk) as server:
        model = open_here(server, provider)
        answer = ask(model, question())
        assert answer.stop == "cut"
        if provider != "gemini":  # gives out no call that it cannot read
            assert answer.calls[0].malformed == '{"path": "a.py", "cont'
        history = [said(answer), *([used(answer.calls, "cut")] if answer.calls else [])]
        assert ask(model, question(*history)).text == "Again."


@every
def test_arguments_that_are_no_json_are_given_back_as_they_are(provider: str) -> None:
    broken = {"raw": {"calls": [{"tool": "bash", "args": "no json"}], "stop": "tools"}}
    with ModelServer(desk_of(broken, {"text": "Again."})) as server:
        model = open_here(server, provider)
        answer = ask(model, question())
        if provider == "gemini":
            assert (answer.calls, answer.stop) == ((), "garbled")
            assert "bash(no json)" in answer.text
            return
        assert [(call.tool, call.malformed) for call in answer.calls] == [("bash", "no json")]
        assert ask(model, question(said(answer), used(answer.calls, "not carried out"))).text == "Again."


@every
def test_a_refusal_is_one(provider: str) -> None:
    with ModelServer(desk_of({"raw": {"text": "I will not.", "stop": "refused"}}, {"text": "This I do."})) as server:
        model = open_here(server, provider)
        answer = ask(model, question())
        assert (answer.text, answer.stop) == ("I will not.", "refused")
        assert ask(model, question(said(answer))).stop == "end"


@every
def test_a_missing_bill_is_no_bill_of_nothing(provider: str) -> None:
    desk = desk_of({"text": "free?"})
    desk.faults.append(Fault("no_usage"))
    with ModelServer(desk) as server:
        assert ask(open_here(server, provider), question()).usage.reported is False


@every
def test_the_planner_s_answer_has_the_shape_that_the_provider_is_told(provider: str) -> None:
    desk = desk_of({"for": "planner", "json": {"questions": [{"text": "Which?", "options": []}]}})
    schema = PlanReply.model_json_schema()
    with ModelServer(desk) as server:
        answer = ask(open_here(server, provider), question(schema=schema, purpose="planner"))
    assert PlanReply.model_validate_json(answer.text).questions
    assert "AnsweredCriterion" in json.dumps(desk.asked[0])


BUSY = [
    ("429", None, 15.0, "rate", False),
    ("429", "7", 7.0, "rate", False),
    ("429", "3600", 3600.0, "rate", True),
    ("503", None, 10.0, "overloaded", False),
    ("529", None, 10.0, "overloaded", False),
    ("500", None, 5.0, "overloaded", False),
    ("spend_cap", None, 3600.0, "spend_cap", True),
]


@every
@pytest.mark.parametrize(("kind", "retry_after", "after_s", "cause", "long"), BUSY)
def test_who_is_busy_says_for_how_long(
    provider: str, kind: str, retry_after: str | None, after_s: float, cause: str, long: bool
) -> None:
    """Nothing was billed, and nothing was asked twice."""
    desk = desk_of({"text": "never"})
    desk.faults.append(Fault(kind, retry_after))
    with ModelServer(desk) as server, pytest.raises(ModelBusy) as caught:
        ask(open_here(server, provider), question())
    assert (caught.value.cause, caught.value.long) == (cause, long)
    assert caught.value.after_s == (10.0 if (provider, kind) == ("gemini", "503") else after_s)
    assert len(desk.asked) == 1


FAILED = [("key", "key"), ("model", "model"), ("too_long", "too_long"), ("400", "request"), ("403", "key")]


@every
@pytest.mark.parametrize(("kind", "cause"), FAILED)
def test_what_is_no_use_to_ask_again_says_whose_turn_it_is(provider: str, kind: str, cause: str) -> None:
    desk = desk_of({"text": "never"})
    desk.faults.append(Fault(kind))
    with ModelServer(desk) as server, pytest.raises(ModelFailed) as caught:
        ask(open_here(server, provider), question())
    assert caught.value.cause == cause
    assert caught.value.advice
    assert len(desk.asked) == 1


@every
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "garbled", "broken_off", "silent"])
def test_an_answer_that_breaks_off_is_lost(provider: str, kind: str) -> None:
    for silence_s in SILENCES_S if kind == "silent" else (0,):
        desk = desk_of({"text": "a long answer " * 20, "calls": [VIEW]})
        desk.faults.append(Fault(kind, silent_s=silence_s))
        with ModelServer(desk) as server:
            model = open_here(server, provider, silent_s=IMPATIENT_S if kind == "silent" else 120)
            with suppress(Retryable):
                ask(model, question())
                continue
            until = time.monotonic() + 120
            while not desk.asked and time.monotonic() < until:  # who asked may have left before it was heard
                time.sleep(0.02)
        break
    else:
        pytest.fail("it was taken for an answer")
    assert len(desk.asked) == 1


@every
def test_an_answer_that_never_ends_is_cut_off(provider: str) -> None:
    with ModelServer(desk_of({"text": "x"})) as server, pytest.raises(Retryable, match="too long"):
        ask(open_here(server, provider), question(), deadline_s=0.0)


@every
def test_a_key_that_is_wrong_is_not_shown(provider: str) -> None:
    key = "sk-very-secret-0123456789"
    with ModelServer(desk_of({"text": "x"})) as server, pytest.raises(ModelFailed) as caught:
        ask(open_here(server, provider, key=key), question())
    assert caught.value.cause == "key"
    assert key not in f"{caught.value} {caught.value.advice} {Access(key)!r}"


@every
def test_a_page_is_no_answer(provider: str) -> None:
    desk = desk_of({"text": "x"})
    desk.faults.append(Fault("page"))
    with ModelServer(desk) as server, pytest.raises(ModelFailed, match="no stream") as caught:
        ask(open_here(server, provider), question())
    assert "URL" in caught.value.advice


@every
def test_where_nobody_listens_nothing_was_billed(provider: str) -> None:
    with ModelServer(desk_of({"text": "x"})) as server:
        model = open_here(server, provider)
    with pytest.raises(ModelBusy, match="cannot be reached"):
        ask(model, question())


def test_summaries_that_are_not_allowed_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Organizations that were not verified get no summaries: the request is refused, unbilled, and sent without."""
    from local.model_server import openai_format
    from local.model_server.refusal import Refused

    whole = openai_format.error
    checked = openai_format.check

    def check(body: dict[str, Any], headers: Any) -> None:
        if "reasoning" in body:
            raise Refused("summary")
        checked(body, headers)

    monkeypatch.setattr(Refused, "status", property(lambda _: 400))
    monkeypatch.setattr(openai_format, "check", check)
    monkeypatch.setattr(
        openai_format,
        "error",
        lambda refused: {"error": whole(refused)["error"] | {"param": "reasoning.summary"}},
    )
    desk = desk_of({"text": "one"}, {"text": "two"})
    with ModelServer(desk) as server:
        model = open_here(server, "openai")
        answer = ask(model, question())
        assert (answer.text, len(desk.asked)) == ("one", 2)
        assert ask(model, question(said(answer))).text == "two"
        assert len(desk.asked) == 3


@pytest.mark.parametrize(
    ("name", "access", "wanted"),
    [
        ("openai:", Access("k"), "names no model"),
        ("mistral:large", Access("k"), "names no model"),
        ("gemini:gemini-3.8-flash", Access(""), "no key for gemini"),
        ("compatible:llama", Access(""), "at no address"),
        ("openai:gpt-5.6", Access("clé"), "no key has"),
        ("compatible:llama", Access("", "127.0.0.1:1/v1"), "is no address"),
        ("anthropic:claude-sonnet-5-5", Access("k", "http://127.0.0.1:port"), "is no address"),
        ("gemini:gemini-3.8-flash", Access("k", "ftp://127.0.0.1"), "is no address"),
    ],
)
def test_what_is_not_set_up_is_said(name: str, access: Access, wanted: str) -> None:
    from shared.errors import NotConfigured

    with pytest.raises(NotConfigured, match=wanted) as caught:
        open_model(name, access)
    assert caught.value.advice


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_private_parts_that_are_not_taken_back_are_left_out_and_the_work_goes_on(provider: str) -> None:
    """A key of another organisation, for example: what one of them has encrypted the other one cannot read."""
    desk = desk_of({"text": "I look.", "calls": [VIEW]}, {"text": "Done."})
    with ModelServer(desk) as server:
        model = open_here(server, provider)
        first = ask(model, question())
        stored = json.dumps(said(first))
        for private in _private(provider, [said(first)] * 2):
            stored = stored.replace(private, "bm90IG91cnM=")
        answer = ask(model, question(json.loads(stored), used(first.calls)))
    assert answer.text == "Done."
    assert len(desk.asked) == 3


@pytest.mark.parametrize(("faults", "priced"), [([], True), ([Fault("flex")], False)])
def test_the_tier_that_gemini_names_in_a_header_is_heard(faults: list[Fault], priced: bool) -> None:
    """A call that was served in a tier that nobody asked for has no price here: its hold counts in full."""
    desk = desk_of({"text": "Done.", "usage": USAGE})
    desk.faults.extend(faults)
    with ModelServer(desk) as server:
        answer = ask(open_here(server, "gemini"), question())
    assert (answer.text, answer.usage.reported, answer.usage.priced) == ("Done.", True, priced)
