"""`persevere ask` goes through the gateway, and `persevere usage` finds it again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cli.asking import ask
from local.cli.spending import Spent, day_of, sum_up, usage
from local.clock import SystemClock
from local.home import open_store
from shared.domain import keys
from shared.domain.money import NANO
from shared.domain.step import Asking, StepState
from shared.domain.usage import ALL
from shared.domain.usage import day_of as day_of_now
from shared.domain.workflow.turn import DAY_MS
from shared.errors import Final, NotConfigured, Retryable
from shared.llm.models import Models
from shared.ports import Answer, Request, Usage, read_all


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No day ends between a question and the look at what it cost."""
    real = SystemClock.now
    ahead = DAY_MS // 2 - real(SystemClock()) % DAY_MS
    monkeypatch.setattr(SystemClock, "now", lambda self: real(self) + ahead)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    script = tmp_path / "talk.jsonl"
    line = {"for": "planner", "text": "Four.", "usage": {"input": 40, "cached": 0, "output": 4}}
    script.write_text(json.dumps(line) + "\n")
    return {"PERSEVERE_HOME": str(tmp_path / "home"), "PERSEVERE_SCRIPT": str(script)}


def test_one_question_is_answered_priced_and_found_in_the_usage(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ask(environment, "scripted:demo", "What is two and two?", json_line=True)
    told = json.loads(capsys.readouterr().out)
    assert told["answer"] == "Four."
    assert told["tokens"]["output"] == 4
    assert told["cost"] > 0
    usage(environment, "model", json_line=True)
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["name"], row["asked"], row["cost"]) == ("scripted:demo", 1, told["cost"])


def counted_today(environment: dict[str, str]) -> int:
    store = open_store(Path(environment["PERSEVERE_HOME"]))
    today = keys.usage_pk(day_of_now(SystemClock().now()), ALL)
    return sum(int(each.body["nano"]) for each in read_all(store, today, "JOB#"))


def test_what_a_question_cost_counts_against_the_day(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ask(environment, "scripted:demo", "What is two and two?", json_line=True)
    assert counted_today(environment) == round(json.loads(capsys.readouterr().out)["cost"] * NANO) > 0


class Faulty:
    """A model whose first answer never comes."""

    def __init__(self, fault: BaseException) -> None:
        self._faults = [fault]

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        if self._faults:
            raise self._faults.pop()
        return Answer("Four.", (), Usage(40, output=4), "end", {"turn": None})


def used(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> int:
    """Nano-dollars that `usage` tells of."""
    capsys.readouterr()
    usage(environment, "model", json_line=True)
    told = json.loads(capsys.readouterr().out)
    return round((sum(row["cost"] for row in told["rows"]) + told["lost_to_crashes"]) * NANO)


@pytest.mark.parametrize("fault", [Retryable("the stream broke"), KeyboardInterrupt()], ids=["lost", "left by Ctrl-C"])
def test_what_an_answer_that_never_came_may_have_cost_is_told(
    environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
) -> None:
    monkeypatch.setattr("local.cli.asking.models_of", lambda _: Models({"scripted": lambda _: Faulty(fault)}))
    with contextlib.suppress(KeyboardInterrupt):
        ask(environment, "scripted:demo", "What is two and two?", json_line=True)
    assert used(environment, capsys) == counted_today(environment) > NANO // 1000


def test_a_question_that_does_not_fit_in_the_day_is_not_asked(environment: dict[str, str]) -> None:
    environment["PERSEVERE_DAY"] = "$0.25"
    ask(environment, "scripted:demo", "What is two and two?", json_line=True)
    spent = counted_today(environment)
    with pytest.raises(Final, match=r"today's \$0\.25") as refused:
        ask(environment, "scripted:demo", "And three and three?", json_line=True)
    assert "PERSEVERE_DAY" in refused.value.advice
    assert counted_today(environment) == spent


def test_a_model_that_cannot_be_asked_says_what_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(Final) as refused:
        ask(environment, "anthropic:unheard-of", "Hello?", json_line=True)
    assert refused.value.advice


def test_without_its_key_nothing_is_asked_and_the_keys_name_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(NotConfigured, match="there is no anthropic key") as refused:
        ask({"PERSEVERE_HOME": str(home)}, "anthropic:claude-haiku-5-5", "Hello?", json_line=True)
    assert refused.value.advice == "set ANTHROPIC_API_KEY"
    assert not home.exists()


def test_usage_by_a_word_that_is_none_names_those_that_are(environment: dict[str, str]) -> None:
    with pytest.raises(Final) as refused:
        usage(environment, "colour", json_line=True)
    assert "repository" in refused.value.advice


def test_the_day_of_a_question_is_in_the_name_of_its_asker() -> None:
    # The example of github.com/ulid/spec.
    asked = StepState(step=0, asking=Asking(asker="01ARZ3NDEKTSV4RRFFQ69G5FAV", until=0, hold=""))
    assert day_of(asked) == "2016-07-30"
    assert day_of(StepState(step=0)) == "unknown"


def test_sums_are_by_name_days_newest_first_and_others_dearest_first() -> None:
    rows = [
        Spent("2026-01-01", "octo-org/a", "octo-org/a#1", "one:x", 5, 10, 1),
        Spent("2026-01-02", "octo-org/b", "octo-org/b#1", "one:x", 9, 10, 1),
        Spent("2026-01-01", "octo-org/a", "octo-org/a#2", "two:y", 1, 10, 1),
    ]
    assert [(each["name"], each["nano"], each["asked"]) for each in sum_up(rows, "day")] == [
        ("2026-01-02", 9, 1),
        ("2026-01-01", 6, 2),
    ]
    assert [each["name"] for each in sum_up(rows, "repository")] == ["octo-org/b", "octo-org/a"]


def test_an_answer_that_was_cut_off_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "talk.jsonl"
    script.write_text(json.dumps({"for": "planner", "raw": {"text": "Fo", "stop": "cut"}}) + "\n")
    settings = {"PERSEVERE_HOME": str(tmp_path / "home"), "PERSEVERE_SCRIPT": str(script)}
    ask(settings, "scripted:demo", "What is two and two?", json_line=False)
    said = capsys.readouterr()
    assert (said.out, "cut off there" in said.err) == ("Fo\n", True)
