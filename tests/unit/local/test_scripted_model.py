"""The scripted model finds its place in the request: no state, no clock, the same answer however often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.scripted_model import AGAIN, Line, ScriptedModel, read_script
from shared.errors import NotConfigured
from shared.ports import Answer, ModelFailed, Request


def model(*lines: dict[str, Any]) -> ScriptedModel:
    return ScriptedModel(read_script([json.dumps({"for": "build"} | line) for line in lines], "talk.jsonl"))


def ask(one: ScriptedModel, *turns: dict[str, Any], purpose: str = "build") -> Answer:
    return one.ask(Request("scripted:demo", "s", (), tuple(turns), 1000, purpose=purpose), 60, lambda: None)


def said(purpose: str = "build") -> dict[str, Any]:
    return {"role": "assistant", "text": "x", "calls": [], "raw": {}, "purpose": purpose}


def report(text: str) -> dict[str, Any]:
    return {"role": "user", "text": text, "evidence": True}


@given(st.integers(0, 9), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_place_is_the_number_of_answers_given(place: int, times: int) -> None:
    one = model(*({"text": f"line {n}"} for n in range(10)))
    turns = [said() for _ in range(place)]
    assert {ask(one, *turns).text for _ in range(times)} == {f"line {place}"}


def test_answers_that_were_folded_away_count() -> None:
    one = model(*({"text": f"line {n}"} for n in range(10)))
    assert ask(one, {"role": "user", "text": "folded", "answers_before": {"build": 4}}, said()).text == "line 5"


def test_each_purpose_has_its_own_lines() -> None:
    one = model({"text": "b0"}, {"for": "fix", "text": "f0"}, {"text": "b1"}, {"for": "planner", "json": {"spec": {}}})
    assert ask(one, said()).text == "b1"
    assert ask(one, said(), said(), purpose="fix").text == "f0"
    assert json.loads(ask(one, purpose="planner").text) == {"spec": {}}


def test_a_line_with_a_condition_waits_for_its_report() -> None:
    one = model(
        {"text": "first"},
        {"text": "for two", "when": {"criterion": "AC-2", "conclusion": "failed"}},
        {"text": "for three", "when": {"criterion": "AC-3", "conclusion": "unproven"}},
        {"text": "whatever"},
    )
    assert ask(one).text == "first"
    assert ask(one, said()).text == "whatever", "no report: conditions do not hold"
    assert ask(one, said(), report("AC-1 proved: x\nAC-2 failed: exit 1")).text == "for two"
    assert ask(one, said(), report("AC-2 kept\nAC-3 unproven: no")).text == "for three"
    assert ask(one, said(), report("AC-2 failed"), said(), report("AC-3 unproven")).text == "for three"
    assert ask(one, said(), report("AC-12 failed\nAC-2 kept")).text == "whatever", "AC-12 is another criterion"


def test_a_conclusion_of_two_words_may_be_written_either_way() -> None:
    one = model({"text": "yes", "when": {"criterion": "AC-1", "conclusion": "already_true"}}, {"text": "no"})
    assert ask(one, report("AC-1 already true: before")).text == "yes"
    assert ask(one, report("AC-1 already_true: before")).text == "yes"


def test_what_is_broken_can_be_said() -> None:
    one = model(
        {"raw": {}},
        {"raw": {"calls": [{"tool": "bash", "args": "{"}], "stop": "cut"}},
        {"raw": {"calls": [{"tool": "rm"}]}},
    )
    empty, malformed, unknown = ask(one), ask(one, said()), ask(one, said(), said())
    assert (empty.text, empty.calls) == ("", ())
    assert (malformed.calls[0].malformed, malformed.stop) == ("{", "cut")
    assert (unknown.calls[0].tool, unknown.calls[0].args) == ("rm", {})


def test_usage_is_as_written_or_counted() -> None:
    one = model({"text": "a", "usage": {"input": 7, "cached": 3, "output": 2}}, {"text": "b" * 400})
    usage = ask(one).usage
    assert (usage.input, usage.cached, usage.output) == (7, 3, 2)
    counted = ask(one, said()).usage
    assert counted.output >= 100
    assert counted.input > 0


def test_only_a_line_feed_ends_a_line_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"for": "build", "text": "a\u2028b\x85c"}\r\n\n', "utf-8")
    assert ask(ScriptedModel.load(tmp_path / "c.jsonl")).text == "a\u2028b\x85c"


def test_an_exhausted_conversation_says_so() -> None:
    with pytest.raises(ModelFailed, match="the conversation file has no further answer for build") as failed:
        ask(model({"text": "a"}), said())
    assert failed.value.cause == "exhausted"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2"),
        ('{"text": "x"}', "for: Field required"),
        ('{"for": "verify", "text": "x"}', "for: Input should be"),
        ('{"for": "build"}', "either text and calls, or json, or raw"),
        ('{"for": "build", "text": "x", "raw": {}}', "either text and calls, or json, or raw"),
        ('{"for": "build", "text": "x", "tool": "bash"}', "tool: Extra inputs"),
        ('{"for": "build", "calls": [{"args": {}}]}', "calls.0.tool: Field required"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(line: str, words: str) -> None:
    with pytest.raises(NotConfigured, match=r"talk\.jsonl line 2") as wrong:
        read_script(["// a remark", line], "talk.jsonl")
    assert words in str(wrong.value)


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured) as wrong:
        ScriptedModel.load(tmp_path / "none.jsonl")
    assert wrong.value.advice == "set PERSEVERE_SCRIPT"


def test_lines_can_be_made_in_memory() -> None:
    line = Line.model_validate({"for": "build", "text": "x"})
    assert ask(ScriptedModel([line])).text == "x"


def answered(line: int, *results: str, again: bool = False) -> list[dict[str, Any]]:
    """An answer of that line and the ends of its calls."""
    raw = {"line": line} | ({"again": True} if again else {})
    shown = [
        {"id": f"call-{number}", "tool": "bash", "status": each, "text": ""} for number, each in enumerate(results)
    ]
    return [said() | {"raw": raw}, {"role": "tool", "results": shown}]


def test_what_was_cut_short_is_done_again_and_uses_no_line() -> None:
    calls = [{"tool": "bash", "args": {"command": name}} for name in ("one", "two", "three")]
    one = model({"text": "first", "calls": calls}, {"text": "second"})
    cut = answered(0, "ok", "interrupted", "interrupted")
    again = ask(one, *cut, {"role": "user", "text": "the machine was replaced"})
    assert (again.text, again.stop) == (AGAIN, "tools")
    assert [call.args["command"] for call in again.calls] == ["two", "three"]
    assert [call.id for call in again.calls] == ["call-1", "call-2"]
    done = [said() | {"raw": dict(again.raw)}, {"role": "tool", "results": []}]
    assert ask(one, *cut, *done).text == "second"
