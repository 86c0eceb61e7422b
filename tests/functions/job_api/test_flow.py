"""Whole conversations through the door: kills, machines that are replaced, processes that know nothing, next rounds."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.job_api import conversation
from shared.agent import prompts
from shared.domain import keys
from shared.domain.protocol import Survey
from shared.domain.record import ABSENT, Put, Record
from shared.domain.step import Said
from shared.llm.gateway import FIRST_BYTES_MS
from shared.ports import Answer, Request, ToolCall, Usage
from tests.fakes.memory_store import MemoryStore
from tests.functions.job_api.house import JOB, PK, HandClock, House, Runner, bash, done, issue, spec, spec_record
from tests.unit.llm.desk import Killed, Mortal

FINISH = {"text": "It holds.", "calls": [{"tool": "finish", "args": {"summary": "all of it"}}]}


class Listening:
    """A model that keeps every request it got, and says what a script says."""

    def __init__(self, house: Callable[[], Any]) -> None:
        self.requests: list[Request] = []
        self._script = house

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self.requests.append(request)
        answered: Answer = self._script().ask(request, deadline_s, alive)
        return answered


def listening(home: Path, *lines: dict[str, Any], **fields: Any) -> tuple[House, Listening]:
    """A house on a store in memory whose model is listened to."""
    house = House(home, lines, store=MemoryStore(HandClock()))
    script = house.model
    ear = Listening(lambda: script)
    house.model = ear
    return house, ear


def run(runner: Runner, start: int = 0, limit: int = 50) -> tuple[int, dict[str, Any]]:
    """Work as a runner does, until a reply ends it or calls finish."""
    results: list[dict[str, Any]] = []
    for number in range(start, start + limit):
        status, reply = runner.put_step(number, *results)
        while status == 202:
            runner.house.clock.advance(2)
            status, reply = runner.put_step(number, *results)
        if status != 200 or reply["over"] or any(call["tool"] == "finish" for call in reply["calls"]):
            return status, reply
        results = done(reply, f"output of {number}")
    raise AssertionError("it never ended")


def forget() -> None:
    """As if the process were new."""
    conversation.forget()


def bytes_of(request: Request) -> str:
    return json.dumps([request.system, request.tools, request.turns])


# --- a conversation ------------------------------------------------------------------------------------------


def test_a_process_that_knows_nothing_sends_the_same_bytes(tmp_path: Path) -> None:
    sent = []
    for cold in (False, True):
        house, ear = listening(tmp_path, *[bash(f"echo {n}") for n in range(12)], FINISH)
        runner = house.runner()
        runner.claim()
        results: list[dict[str, Any]] = []
        for number in range(13):
            if cold:
                forget()
            _, reply = runner.put_step(number, *results, tree=f"{number // 3:040d}")
            results = done(reply, f"output of {number} " + "x" * 9_000)
        sent.append([bytes_of(request) for request in ear.requests])
    assert sent[0] == sent[1]
    for before, after in zip(sent[0], sent[0][1:], strict=False):
        assert after.startswith(before.rstrip("]")), "append only"


def test_the_first_ask_has_the_spec_the_issue_and_the_brief(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, FINISH)
    brief = house.blobs.put("7/survey", ("src/sums.py " * 3_000).encode())
    house.put(keys.issue_state(PK), "issue", issue(survey=Survey(brief=brief)))
    runner = house.runner()
    runner.claim()
    runner.put_step(0)
    head, given = ear.requests[0].turns
    assert "0.1 + 0.2 is 0.3" in head["text"]
    assert "0.30000000000000004" in given["text"]
    assert "src/sums.py" in given["text"]
    assert ear.requests[0].system == prompts.BUILD
    asking = house.step(0).asking
    assert asking is not None
    assert asking.note == given["text"], "stored with the step, though it is longer than an item likes"


def test_what_is_read_first_stays_though_the_issue_is_edited(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, bash(), FINISH)
    runner = house.runner()
    runner.claim()
    _, reply = runner.put_step(0)
    house.put(keys.issue_state(PK), "issue", issue(taken=None))
    forget()
    runner.put_step(1, *done(reply))
    assert bytes_of(ear.requests[1]).startswith(bytes_of(ear.requests[0]).rstrip("]"))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"raw": {"text": "", "calls": []}}, prompts.SILENT),
        ({"raw": {"text": "x" * 50, "stop": "cut"}}, prompts.CUT),
        ({"raw": {"calls": [{"tool": "bash", "args": "{"}]}}, "The arguments of bash are no JSON object."),
        ({"raw": {"calls": [{"tool": "rm", "args": {}}]}}, "There is no tool 'rm'."),
        (
            {"raw": {"calls": [{"tool": "bash", "args": {"command": str(n)}} for n in range(200)]}},
            "200 calls in one answer",
        ),
        ({"calls": [{"tool": "finish", "args": {"summary": "a"}}] * 2}, "several finish calls"),
    ],
)
def test_a_broken_answer_never_reaches_the_runner_and_is_explained(
    tmp_path: Path, broken: dict[str, Any], told: str
) -> None:
    house, ear = listening(tmp_path, broken, FINISH)
    runner = house.runner()
    runner.claim()
    _, reply = runner.put_step(0)
    assert (reply["calls"], reply["over"]) == ([], "")
    _, reply = runner.put_step(1)
    assert reply["calls"][0]["tool"] == "finish"
    assert told in json.dumps(ear.requests[1].turns[-1], ensure_ascii=False)


def test_invalid_calls_to_the_end_are_the_end(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, *[{"raw": {"calls": [{"tool": "rm"}]}}] * 9)
    runner = house.runner()
    runner.claim()
    _, reply = run(runner)
    assert (reply["over"], reply["cause"], reply["why"]) == (
        "gave_up", "invalid", "the model kept sending invalid calls",
    )  # fmt: skip
    assert len(ear.requests) == 4
    assert house.ledger().held_nano == 0


def test_a_model_that_repeats_itself_is_nudged_begun_afresh_and_ended(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, *[bash("ls")] * 40)
    runner = house.runner()
    runner.claim()
    results: list[dict[str, Any]] = []
    for number in range(40):
        _, reply = runner.put_step(number, *results)
        if reply["over"]:
            break
        results = done(reply, "always the same")
    assert (reply["over"], reply["cause"]) == ("gave_up", "stuck")
    asked = [json.dumps(request.turns, ensure_ascii=False) for request in ear.requests]
    assert any(prompts.NUDGES["repeat"] in text for text in asked)
    assert any(prompts.PATTERNS["repeat"] in text for text in asked)
    sizes = [len(request.turns) for request in ear.requests]
    assert any(after < before for before, after in itertools.pairwise(sizes))


def test_an_exhausted_script_is_an_honest_end(tmp_path: Path) -> None:
    house, _ = listening(tmp_path, bash())
    runner = house.runner()
    runner.claim()
    _, reply = run(runner)
    assert (reply["over"], reply["cause"]) == ("gave_up", "exhausted")


def test_when_the_money_gets_short_the_agent_is_asked_to_wrap_up(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, bash(), FINISH)
    house.set_ledger(limit_nano=170_000_000)
    runner = house.runner()
    runner.claim()
    runner.put_step(0)
    assert prompts.WRAP_UP in ear.requests[0].turns[-1]["text"]
    assert ear.requests[0].max_output < 16_000


def test_a_conversation_that_would_pass_the_window_is_folded_and_stays_folded(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, *[bash(f"echo {n}") for n in range(95)], FINISH)
    script = house.model._script()  # type: ignore[attr-defined]

    class Long:
        """Bills so much that the window is nearly full."""

        def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
            answer = script.ask(request, deadline_s, alive)
            used = 990_000 if len(request.turns) > 40 else 1_000
            return Answer(answer.text, answer.calls, Usage(used, cached=used, output=10), answer.stop, answer.raw)

    ear._script = Long
    house.set_ledger(limit_nano=50_000_000_000)
    runner = house.runner()
    runner.claim()
    status, _ = run(runner, limit=100)
    assert status == 200
    sizes = [len(request.turns) for request in ear.requests]
    folded = [n for n, (before, after) in enumerate(itertools.pairwise(sizes), start=1) if after < before]
    assert len(folded) >= 2
    sent = [bytes_of(request) for request in ear.requests]
    assert "shortened" in sent[folded[0]]
    assert sent[folded[0] + 1].startswith(sent[folded[0]].rstrip("]")), "append only again"
    forget()
    runner.put_step(96)
    assert house.ledger().held_nano == 0


# --- kills ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [("before", 1), ("after", 1), ("before", 2), ("after", 2)])
@pytest.mark.parametrize("step", [0, 1, 3])
def test_a_control_plane_that_dies_at_any_commit_loses_nothing(tmp_path: Path, at: tuple[str, int], step: int) -> None:
    lines = [bash(f"echo {n}") for n in range(4)] + [FINISH]
    calm, calm_ear = listening(tmp_path, *lines)
    runner = calm.runner()
    runner.claim()
    run(runner)

    house, ear = listening(tmp_path, *lines)
    runner = house.runner()
    runner.claim()
    results: list[dict[str, Any]] = []
    for number in range(5):
        if number == step:
            world = house.world
            house.world = world.__class__(**{**world.__dict__, "store": Mortal(house.store, at)})
            with pytest.raises(Killed):
                runner.put_step(number, *results)
            house.world = world
            forget()
        status, reply = runner.put_step(number, *results)
        while status == 202:
            house.clock.advance(10)
            status, reply = runner.put_step(number, *results)
        results = done(reply, f"output of {number}")
    assert reply["calls"][0]["tool"] == "finish"
    assert bytes_of(ear.requests[-1]) == bytes_of(calm_ear.requests[-1])
    assert house.ledger().held_nano == 0
    assert bool(house.ledger().lost_nano) == (at in (("after", 1), ("before", 2)))
    assert len(ear.requests) == 5 + (at == ("before", 2))
    lost = [event for event in house.events() if "lost to a crash" in event["title"]]
    assert len(lost) == bool(house.ledger().lost_nano)


def test_two_runners_at_once_get_one_conversation(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, bash("a"), bash("b"), FINISH)
    first = house.runner()
    first.claim()
    _, reply = first.put_step(0)
    house.put_job(launch=2)
    second = house.runner(launch=2, nonce="m" * 20)
    second.claim()
    assert first.put_step(1, *done(reply, "from the old one"))[1]["code"] == "stale_epoch"
    assert second.put_step(1)[0] == 200
    assert house.step(0).results is not None
    assert [result.status for result in house.step(0).results or ()] == ["interrupted"]
    assert len(ear.requests) == 2


class Stopping:
    """A store; before its n-th read somebody stops the job. `asked`: requests that the model had by then, or -1."""

    def __init__(self, house: House, ear: Listening, reads: int) -> None:
        self._house, self._ear, self._left, self._inner = house, ear, reads, house.store
        self.asked = -1

    def __getattr__(self, name: str) -> Any:
        if name in ("get", "query"):
            self._left -= 1
            if self._left == 0:
                self.asked = len(self._ear.requests)
                self._house.put_job(status="stopped")
        return getattr(self._inner, name)


def test_a_stop_at_any_moment_before_the_money_is_held_lets_no_ask_begin(tmp_path: Path) -> None:
    """A step reads the job, then much else, then reserves: a stop in between is noticed, at whichever of the reads."""
    raced = 0
    for reads in itertools.count(1):
        house, ear = listening(tmp_path / str(reads), bash("a"), bash("b"), FINISH)
        runner = house.runner()
        runner.claim()
        _, reply = runner.put_step(0)
        spent = house.ledger().spent_nano
        stopping = Stopping(house, ear, reads)
        house.world = dataclasses.replace(house.world, store=stopping)
        status, said = runner.put_step(1, *done(reply))
        if stopping.asked < 0:
            break
        if stopping.asked == 1:
            raced += 1
            assert len(ear.requests) == 1, f"asked after the stop at read {reads}"
            assert (status, "calls" in said) == (202, False)
            assert (house.ledger().held_nano, house.ledger().spent_nano) == (0, spent)
    assert raced > 3


def test_a_claim_during_an_ask_gets_the_answer_that_the_dead_runners_ask_brought(tmp_path: Path) -> None:
    """A reply belongs to a step, not to an epoch."""
    house = House(tmp_path, (), store=MemoryStore(HandClock()))
    taken: list[Runner] = []

    class Slow:
        asked = 0

        def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
            Slow.asked += 1
            house.put_job(launch=2)
            taken.append(house.runner(launch=2, nonce="m" * 20))
            assert taken[0].claim()[0] == 200
            assert taken[0].put_step(0)[0] == 202
            return Answer("", (ToolCall("c", "bash", {"command": "ls"}),), Usage(10, output=1), "tools", {})

    house.model = Slow()
    runner = house.runner()
    runner.claim()
    assert runner.put_step(0)[0] == 200
    assert taken[0].put_step(0)[1]["calls"][0]["tool"] == "bash"
    assert Slow.asked == 1


def test_a_machine_that_was_replaced_before_its_first_answer_has_nothing_to_tell(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, FINISH)
    house.runner().claim()
    house.put_job(launch=2)
    fresh = house.runner(launch=2, nonce="m" * 20)
    fresh.claim()
    fresh.put_step(0)
    assert "machine" not in ear.requests[0].turns[-1]["text"].replace("machine-", "")


def test_words_taken_in_by_an_ask_that_died_are_in_the_one_that_lives(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, FINISH)
    runner = house.runner()
    runner.claim()
    said = Said(by="octocat", text="use Decimal", at=1)
    house.store.commit(Put(Record(keys.inbox(JOB, "01"), "inbox", said.model_dump(mode="json")), ABSENT))
    world = house.world
    house.world = world.__class__(**{**world.__dict__, "store": Mortal(house.store, ("before", 2))})
    with pytest.raises(Killed):
        runner.put_step(0)
    house.world = world
    house.store.commit(
        Put(
            Record(
                keys.inbox(JOB, "02"), "inbox", said.model_copy(update={"text": "and test it"}).model_dump(mode="json")
            ),
            ABSENT,
        )
    )
    house.clock.advance(FIRST_BYTES_MS / 1000 + 1)
    runner.put_step(0)
    text = ear.requests[-1].turns[-1]["text"]
    assert text.count("use Decimal") == text.count("and test it") == 1


def test_money_that_a_dead_asker_held_is_settled_when_the_next_runner_comes(tmp_path: Path) -> None:
    house, _ = listening(tmp_path, bash())
    runner = house.runner()
    runner.claim()
    world = house.world
    house.world = world.__class__(**{**world.__dict__, "store": Mortal(house.store, ("before", 2))})
    with pytest.raises(Killed):
        runner.put_step(0)
    house.world = world
    assert house.ledger().held_nano > 0
    house.clock.advance(FIRST_BYTES_MS / 1000 + 1)
    runner.send("POST", "/v1/finish", {"outcome": "interrupted", "reason": "signal"})
    assert house.ledger().held_nano == 0
    assert house.ledger().lost_nano > 0


# --- next rounds ---------------------------------------------------------------------------------------------


def test_a_next_round_goes_on_with_the_conversation_and_the_evidence(tmp_path: Path) -> None:
    lines = [
        bash(),
        FINISH,
        {"text": "Now it does.", "when": {"criterion": "AC-1", "conclusion": "failed"}, "calls": FINISH["calls"]},
    ]
    house, ear = listening(tmp_path, *lines)
    runner = house.runner()
    runner.claim()
    run(runner)
    runner.send("POST", "/v1/finish", {"outcome": "handed_over", "summary": "all"})
    house.put_job(status="handed_over")
    house.put_job(id="aaaaaaaaa2", continues=JOB, head="c" * 40, message="AC-1 failed: exit 1", round=2)
    second = house.runner(job="aaaaaaaaa2")
    assert second.claim()[1]["clone"]["head"] == "c" * 40
    _, reply = second.put_step(0)
    assert reply["text"] == "Now it does."
    assert bytes_of(ear.requests[2]).startswith(bytes_of(ear.requests[1]).rstrip("]"))
    assert "AC-1 failed: exit 1" in ear.requests[2].turns[-1]["text"]


def test_a_next_round_under_a_new_version_is_told_the_new_spec(tmp_path: Path) -> None:
    house, ear = listening(tmp_path, bash(), FINISH)
    runner = house.runner()
    runner.claim()
    runner.put_step(0)
    house.put(keys.spec(PK, 2), "spec", spec_record(spec(2).model_copy(update={"goals": ("Sums are fast.",)})))
    house.put_job(id="aaaaaaaaa2", continues=JOB, spec_version=2)
    second = house.runner(job="aaaaaaaaa2")
    second.claim()
    second.put_step(0)
    assert "Sums are fast." in ear.requests[1].turns[-1]["text"]
    assert prompts.CONTINUED in ear.requests[1].turns[-1]["text"]


def test_a_job_that_goes_on_with_stopped_work_begins_from_its_changeset(tmp_path: Path) -> None:
    house, _ = listening(tmp_path, FINISH)
    work = house.blobs.put(f"7/{JOB}", b"work")
    house.put_job(id="aaaaaaaaa2", changeset=work, tree="t" * 40)
    claimed = house.runner(job="aaaaaaaaa2").claim()[1]
    assert claimed["resume"]["tree"] == "t" * 40
    assert work.rpartition("/")[2] in claimed["resume"]["bundle"]
