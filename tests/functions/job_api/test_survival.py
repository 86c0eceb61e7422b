"""What a next runner is given, and what the agent is told: where a machine died, left in good order, or was too slow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.agent import prompts
from shared.domain import keys
from shared.domain.job import Lease
from shared.domain.record import AtVersion, Put
from shared.ports import ModelBusy
from tests.functions.job_api.house import JOB, House, Runner, bash, done
from tests.functions.job_api.test_failover import answered, begun
from tests.functions.job_api.test_flow import FINISH, Listening, forget, listening

TREE = "t" * 40


def kept(house: House, tree: str = TREE) -> dict[str, Any]:
    bundle = house.blobs.put(f"7/{JOB}", tree.encode())
    return {"tree": tree, "bundle": bundle, "kind": "bundle"}


def replaced(house: House, launch: int = 2) -> Runner:
    house.put_job(launch=launch)
    fresh = house.runner(launch=launch, nonce=f"{launch}" * 20)
    assert fresh.claim()[0] == 200
    return fresh


def begin(runner: Runner, step: int) -> tuple[int, dict[str, Any]]:
    return runner.send("POST", "/v1/begin", {"step": step})


def lease_of(house: House) -> Lease:
    record = house.store.get(keys.job_lease(JOB))
    assert record is not None
    return Lease.model_validate(record.body)


def told(ear: Listening, number: int) -> tuple[Any, str]:
    """(the results, the words) that the last turns of a request bring."""
    results, words = ear.requests[number].turns[-2:]
    return results, words["text"]


def at_work(tmp_path: Path, *lines: dict[str, Any]) -> tuple[House, Listening, Runner]:
    house, ear = listening(tmp_path, *(lines or (bash("a"), bash("b"), bash("c"), FINISH)))
    runner = house.runner()
    runner.claim()
    return house, ear, runner


def test_an_answer_that_nobody_has_begun_is_given_to_the_next_runner_as_it_is(tmp_path: Path) -> None:
    house, ear, runner = at_work(tmp_path)
    _, first = runner.put_step(0)
    begin(runner, 0)
    _, second = runner.put_step(1, *done(first), tree=TREE, checkpoint=kept(house))
    fresh = replaced(house)
    assert fresh.claimed["resume"]["step"] == 1
    assert fresh.put_step(1) == (200, second)
    assert begin(fresh, 1) == (200, {})
    fresh.put_step(2, *done(second), tree=TREE, checkpoint=kept(house))
    assert len(ear.requests) == 3, "no answer was asked for twice"
    results, words = told(ear, 2)
    assert results["results"][0]["status"] == "ok"
    assert prompts.REPLACED_AT_STEP.format(answer=1) + prompts.REPLACED_RAN in words


def test_an_answer_that_was_begun_is_never_given_to_another_runner(tmp_path: Path) -> None:
    house, ear, runner = at_work(tmp_path)
    _, first = runner.put_step(0)
    begin(runner, 0)
    _, _ = runner.put_step(1, *done(first), tree=TREE, checkpoint=kept(house))
    begin(runner, 1)
    fresh = replaced(house)
    assert fresh.claimed["resume"] | {"bundle": ""} == {"step": 2, "tree": TREE, "bundle": "", "kind": "bundle"}
    fresh.put_step(2)
    results, words = told(ear, 2)
    assert results["results"][0]["text"] == prompts.INTERRUPTED
    assert prompts.REPLACED_AT_STEP.format(answer=1) in words
    assert prompts.REPLACED_RAN not in words


def test_of_two_runners_with_one_answer_the_later_one_alone_may_run_it(tmp_path: Path) -> None:
    house, _, zombie = at_work(tmp_path)
    _, answer = zombie.put_step(0)
    fresh = replaced(house)
    assert fresh.put_step(0) == (200, answer)
    assert begin(zombie, 0)[1]["code"] == "stale_epoch"
    assert begin(fresh, 0)[0] == begin(fresh, 0)[0] == 200
    assert zombie.put_step(1, *done(answer))[1]["code"] == "stale_epoch"
    assert zombie.send("POST", "/v1/finish", {"outcome": "handed_over"})[1]["code"] == "stale_epoch"
    wish = {"sha256": "0" * 64, "bytes": 1, "kind": "bundle"}
    assert zombie.send("POST", "/v1/blobs", wish)[1]["code"] == "stale_epoch"


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_replaced_machine_is_told_what_is_gone(tmp_path: Path, checkpoint: bool) -> None:
    house, ear, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    more = {"checkpoint": kept(house)} if checkpoint else {"unkept": "core (9 bytes): over 8 bytes a file"}
    _, reply = runner.put_step(1, *done(reply), **more)
    runner.put_step(2, *done(reply))
    begin(runner, 2)
    forget()
    fresh = replaced(house)
    assert fresh.claimed["resume"]["step"] == 3
    fresh.put_step(3)
    _, words = told(ear, 3)
    where = prompts.REPLACED_AT_STEP.format(answer=1) if checkpoint else prompts.REPLACED_AT_START
    assert where in words
    assert "running processes, /tmp" in words


def test_what_no_checkpoint_could_hold_is_told_and_shown(tmp_path: Path) -> None:
    house, ear, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    _, reply = runner.put_step(1, *done(reply), checkpoint=kept(house), unkept="core (20,000,000 bytes)")
    begin(runner, 1)
    replaced(house).put_step(2)
    assert prompts.REPLACED_UNKEPT.format(what="core (20,000,000 bytes)") in told(ear, 2)[1]
    assert [each["title"] for each in house.events() if each["kind"] == "checkpoint"] == [
        "work kept after step 1",
        "not kept after step 1: core (20,000,000 bytes)",
    ]


def test_a_replaced_machine_is_told_once_though_the_model_has_to_be_asked_twice(tmp_path: Path) -> None:
    """In between, the results were stored, and with them what is kept now: not what this machine began from."""
    house, model, runner = begun(tmp_path)
    reply = answered(house, runner, 0)
    reply = answered(house, runner, 1, *done(reply))
    runner.put_step(2, *done(reply), checkpoint=kept(house), unkept="core (20,000,000 bytes)")
    fresh = replaced(house)
    reply = answered(house, fresh, 2)
    model.raised = [ModelBusy("529", 1)]
    status, said = fresh.put_step(3, *done(reply), checkpoint=kept(house))
    assert status == 202
    house.clock.advance(said["retry_after_ms"] / 1000)
    assert fresh.put_step(3, *done(reply), checkpoint=kept(house))[0] == 200
    words = model.requests[-1].turns[-1]["text"]
    assert words.count("The machine was replaced") == 1
    assert prompts.REPLACED_UNKEPT.format(what="core (20,000,000 bytes)") in words


def test_work_that_did_not_change_is_not_told_again(tmp_path: Path) -> None:
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    for number in (1, 2):
        _, reply = runner.put_step(number, *done(reply), checkpoint=kept(house))
    assert [each["title"] for each in house.events() if each["kind"] == "checkpoint"] == ["work kept after step 1"]
    assert lease_of(house).checkpoint_step == 1


TWO = {"calls": [{"tool": "bash", "args": {"command": name}} for name in ("one", "two", "three")]}


def test_a_runner_that_leaves_in_good_order_says_what_came_of_each_call(tmp_path: Path) -> None:
    house, ear, runner = at_work(tmp_path, TWO, FINISH)
    _, reply = runner.put_step(0)
    begin(runner, 0)
    names = [call["id"] for call in reply["calls"]]
    results = [
        {"call": names[0], "status": "ok", "exit": 0, "text": "done"},
        {"call": names[1], "status": "interrupted", "data": {"how": "cut"}},
        {"call": names[2], "status": "interrupted", "data": {"how": "not_begun"}},
    ]
    word = {"outcome": "interrupted", "reason": "signal", "tree": "u" * 40, "files": 1}
    underway = {"step": 0, "done": {"results": results, "tree": TREE, "checkpoint": kept(house)}}
    assert runner.send("POST", "/v1/finish", word | {"underway": underway})[0] == 200
    assert "underway" not in {name for name, value in house.inbounds()[-1]["data"]["finish"].items() if value}
    fresh = replaced(house)
    assert (fresh.claimed["resume"]["step"], fresh.claimed["resume"]["tree"]) == (1, TREE)
    assert (lease_of(house).checkpoint_step, lease_of(house).finished) == (0, False)
    fresh.put_step(1)
    shown, words = told(ear, 1)
    assert [each["status"] for each in shown["results"]] == ["ok", "interrupted", "interrupted"]
    assert [each["text"] for each in shown["results"][1:]] == [prompts.CUT_SHORT, prompts.NOT_BEGUN]
    assert prompts.REPLACED_AT_STEP.format(answer=1) in words


def test_a_last_word_brings_the_results_of_a_step_that_was_never_posted(tmp_path: Path) -> None:
    """Stopped while it stored the work: the results are there for whoever resumes."""
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    word = {"outcome": "interrupted", "reason": "stopped"}
    underway = {"step": 0, "done": {"results": done(reply, "whole"), "tree": TREE, "checkpoint": kept(house)}}
    house.put_job(status="stopped")
    runner.send("POST", "/v1/finish", word | {"underway": underway})
    assert [result.text for result in house.step(0).results or ()] == ["whole"]
    assert lease_of(house).tree == TREE


def test_a_last_word_changes_no_results_that_a_step_has_brought(tmp_path: Path) -> None:
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    runner.put_step(1, *done(reply, "first"))
    underway = {"step": 0, "done": {"results": done(reply, "second")}}
    runner.send("POST", "/v1/finish", {"outcome": "interrupted", "reason": "signal", "underway": underway})
    assert [result.text for result in house.step(0).results or ()] == ["first"]


def test_a_checkpoint_of_another_job_is_refused(tmp_path: Path) -> None:
    _, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    foreign = {"tree": TREE, "bundle": "7/bbbbbbbbb2/" + "0" * 64, "kind": "bundle"}
    assert runner.put_step(1, *done(reply), checkpoint=foreign)[0] == 422


@pytest.mark.parametrize("between", [0, 1, 2])
@pytest.mark.parametrize(("head", "goes_on"), [(None, True), ("c" * 40, False)])
def test_work_of_lost_machines_is_found_by_the_job_that_continues(
    tmp_path: Path, head: str | None, goes_on: bool, between: int
) -> None:
    """Unless it was committed since, and the commit is what is built on; also behind jobs that no machine ever claimed."""
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    runner.put_step(1, *done(reply), checkpoint=kept(house))
    house.put_job(status="failed")
    before = JOB
    for number in range(between):
        house.put_job(id=f"cccccccc0{number}", continues=before, status="failed", head=head)
        before = f"cccccccc0{number}"
    house.put_job(id="aaaaaaaaa2", continues=before, head=head, message="A person said: go on.")
    claimed = house.runner(job="aaaaaaaaa2").claim()[1]
    assert (claimed["resume"]["tree"], claimed["resume"]["kind"]) == (
        (TREE, "bundle") if goes_on else (None, "changeset")
    )
    assert bool(claimed["resume"]["bundle"]) is goes_on
    assert claimed["resume"]["step"] == 0


def test_work_that_was_handed_over_and_refused_is_gone_on_with_whole(tmp_path: Path) -> None:
    """The last answer wrote and finished; no step after it brings a checkpoint."""
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    underway = {"step": 0, "done": {"results": done(reply, "whole"), "tree": TREE, "checkpoint": kept(house)}}
    assert runner.send("POST", "/v1/finish", {"outcome": "handed_over", "underway": underway})[0] == 200
    house.put_job(status="handed_over")
    house.put_job(id="aaaaaaaaa2", continues=JOB, message="Not published.")
    assert house.runner(job="aaaaaaaaa2").claim()[1]["resume"]["tree"] == TREE


def test_what_was_stored_before_there_were_bundles_is_still_read(tmp_path: Path) -> None:
    """A lease and a checkpoint as they were written when work was kept as a changeset every tenth step."""
    house, _, runner = at_work(tmp_path)
    _, reply = runner.put_step(0)
    old = {"tree": TREE, "bundle": house.blobs.put(f"7/{JOB}", b"changeset")}
    runner.put_step(1, *done(reply), checkpoint=old)
    record = house.store.get(keys.job_lease(JOB))
    assert record is not None
    body = {
        name: value
        for name, value in record.body.items()
        if name not in ("kind", "unkept", "restored_step", "begun_step")
    }
    house.store.commit(Put(replace(record, body=body), AtVersion(record.version)))
    assert replaced(house).claimed["resume"]["kind"] == "changeset"
