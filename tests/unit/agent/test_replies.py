"""What a model's calls must look like to be carried out, and what it is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from shared.agent.replies import CALLS_MAX, check_calls, for_runner
from shared.ports import ToolCall

CRITERIA = ("AC-1", "AC-2")


def checked(*calls: tuple[str, Any]) -> list[str]:
    called = [
        ToolCall(f"c{n}", tool, args if isinstance(args, dict) else {}, None if isinstance(args, dict) else args)
        for n, (tool, args) in enumerate(calls)
    ]
    return [each.error for each in check_calls(called, 3, CRITERIA)]


@pytest.mark.parametrize(
    ("tool", "args", "words"),
    [
        ("shell", {"command": "ls"}, "There is no tool 'shell'"),
        ("Bash", {"command": "ls"}, "Did you mean bash?"),
        ("", {}, "There is no tool ''"),
        ("bash", "{", "no JSON object"),
        ("bash", {}, "`command`: field required"),
        ("bash", {"command": ""}, "`command`: string should have at least 1 character"),
        ("bash", {"command": 5}, "`command`: input should be a valid string"),
        ("bash", {"command": "a\0b"}, "NUL"),
        ("bash", {"cmd": "ls", "command": "ls"}, "`cmd`: extra inputs are not permitted"),
        ("bash", {"command": "ls", "timeout_s": 0}, "`timeout_s`"),
        ("bash", {"command": "ls", "timeout_s": "soon"}, "`timeout_s`"),
        ("view", {"path": "a", "start": 0}, "`start`"),
        ("edit", {"path": "a", "changes": []}, "`changes`"),
        ("edit", {"path": "a", "changes": [{"old": "x"}]}, "`changes.0.new`: field required"),
        ("edit", {"path": "a", "changes": [{"old": "", "new": "y"}]}, "`changes.0.old`"),
        ("write", {"path": "a"}, "It takes {path, content}."),
        ("prove", {"criterion": "AC-9", "command": "x"}, "There are: AC-1, AC-2."),
        ("finish", {"summary": "x", "unmet": "AC-1"}, "`unmet`"),
    ],
)
def test_a_call_that_is_given_back(tool: str, args: Any, words: str) -> None:
    (error,) = checked((tool, args))
    assert words in error


@pytest.mark.parametrize(
    ("tool", "args"),
    [
        ("bash", {"command": "ls", "timeout_s": 10}),
        ("bash", {"command": "ls", "timeout_s": "10"}),
        ("view", {"path": "a", "start": 1, "end": 2}),
        ("edit", {"path": "a", "changes": [{"old": "x", "new": ""}, {"old": "y", "new": "z", "count": 3}]}),
        ("write", {"path": "a", "content": ""}),
        ("prove", {"criterion": "AC-2", "command": "true"}),
        ("finish", {"summary": "done", "unmet": ["AC-1"]}),
    ],
)
def test_a_call_that_is_carried_out(tool: str, args: dict[str, Any]) -> None:
    asked = check_calls([ToolCall("c0", tool, args)], 3, CRITERIA)
    assert asked[0].error == ""
    (call,) = for_runner(asked)
    assert (call.id, call.tool) == ("3.0", tool)


def test_numbers_that_came_as_text_reach_the_runner_as_numbers() -> None:
    (call,) = for_runner(check_calls([ToolCall("c0", "bash", {"command": "ls", "timeout_s": "10"})], 0, ()))
    assert call.args == {"command": "ls", "timeout_s": 10}


def test_too_many_calls_are_none() -> None:
    errors = checked(*[("bash", {"command": str(n)}) for n in range(200)])
    assert len(errors) == 200
    assert all(f"200 calls in one answer, at most {CALLS_MAX}" in error for error in errors)
    assert not any(checked(*[("bash", {"command": str(n)}) for n in range(CALLS_MAX)]))


def test_finish_is_called_once_and_last() -> None:
    done = ("finish", {"summary": "x"})
    look = ("bash", {"command": "ls"})
    assert checked(look, done) == ["", ""]
    first, second = checked(done, look)
    assert "calls follow it" in first
    assert second == ""
    errors = checked(look, done, done)
    assert errors[0] == ""
    assert all("several finish calls" in error for error in errors[1:])


def test_calls_have_names_of_ours_whatever_the_model_calls_them() -> None:
    same = [ToolCall("", "bash", {"command": "a"}), ToolCall("", "bash", {"command": "b"})]
    assert [call.id for call in for_runner(check_calls(same, 7, ()))] == ["7.0", "7.1"]


def test_half_a_surrogate_pair_can_be_stored() -> None:
    (call,) = for_runner(check_calls([ToolCall("c", "write", {"path": "a", "content": "x\ud800y"})], 0, ()))
    assert call.args["content"].encode() == b"x?y"
