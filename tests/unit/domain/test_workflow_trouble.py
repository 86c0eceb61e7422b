"""Machines die, GitHub refuses, the planner is silent, nobody answers: each ends in a named halt with one line to type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import keys
from shared.domain.inbound import Inbound
from shared.domain.job import MAX_INTERRUPTIONS, MAX_LAUNCHES
from shared.domain.money import NANO
from shared.domain.record import ABSENT, AtVersion, Put, Record
from shared.domain.workflow.decide import decide_fault
from shared.domain.workflow.turn import Fresh
from tests.unit.domain import rules
from tests.unit.domain.places import at
from tests.unit.domain.promises import lines_work
from tests.unit.domain.world_in_memory import HUBOT, MINUTE, OCTOCAT, PK, World


def halted(world: World, reason: str, line: str) -> None:
    """It waits for this reason; the line is there and works."""
    waiting = world.issue.waiting
    assert world.issue.phase in ("waiting", "paused")
    assert waiting is not None
    assert (waiting.reason, waiting.line) == (reason, line)
    lines_work(world)


def approved() -> World:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere approve v1")
    world.settle()
    return world


# --- machines --------------------------------------------------------------------------------------------------


def test_a_machine_that_never_reports_is_asked_for_four_times_then_a_person() -> None:
    world = approved()
    job = world.job()
    for launch in (2, 3, 4):
        while world.job().launch < launch:
            world.rings("look")
        world.settle()
    while world.issue.phase == "approved":
        world.rings("look")
    assert world.job(job.id).status == "failed"
    assert world.messages() == ["no_machine"]
    halted(world, "no_machine", "/persevere resume")
    asked_for = [each.data for each in world.effects("start_task", still_open=False) if each.data["job"] == job.id]
    assert sorted(each["launch"] for each in asked_for) == [1, 2, 3, 4]


def test_a_silent_runner_is_replaced_and_its_late_claim_changes_nothing() -> None:
    world = at("building")
    assert world.loses_lease() == "acted on lease"
    job = world.job()
    assert (job.status, job.launch) == ("launching", 2)
    assert world.loses_lease() == "nothing was due any more", "the next one is on its way"
    world.settle()
    world.claims()
    assert world.job().status == "running"


def test_a_claim_that_was_under_way_when_another_machine_was_asked_for_is_watched_too() -> None:
    world = approved()
    state = world.job()
    world.now = (state.started_at or 0) + 301_000
    lease = {"job": state.id, "launch": 1, "epoch": 1, "nonce": "n" * 16, "until": world.now + MINUTE}
    world.store.commit(Put(Record(keys.job_lease(state.id), "lease", lease, epoch=1), ABSENT))
    world.rings("look")
    world.inbound({"kind": "job", "data": {"job": state.id, "epoch": 1, "claimed": True}})
    assert (world.job().status, world.job().launch) == ("running", 2)
    assert world.loses_lease() == "acted on lease"
    assert world.job().launch == 3


def test_a_lease_that_holds_is_left_alone() -> None:
    world = at("building")
    assert world.inbound({"kind": "deadline", "data": {"names": ["lease"]}}) == "nothing was due any more"


def test_a_machine_that_left_in_good_order_is_followed_by_another() -> None:
    world = at("building")
    world.finishes("interrupted", reason="signal")
    assert (world.job().status, world.job().launch, world.issue.phase) == ("launching", 2, "building")


def ends_task(world: World, launch: int) -> str:
    data = {"started_by": world.job().id, "state": "stopped", "launch": launch, "reason": "signal 9"}
    return world.inbound({"kind": "task", "data": data})


def test_a_machine_that_is_known_to_be_gone_is_followed_at_once_whatever_its_lease_says() -> None:
    world = at("building")
    assert ends_task(world, launch=1) == "executed"
    assert (world.job().status, world.job().launch) == ("launching", 2)
    assert ends_task(world, launch=1) == "ignored: an earlier launch"
    assert world.job().launch == 2


def test_a_machine_that_ends_after_its_last_word_is_not_followed() -> None:
    world = at("building")
    key = keys.job_lease(world.job().id)
    record = world.store.get(key)
    assert record is not None
    world.store.commit(Put(replace(record, body=record.body | {"finished": True}), AtVersion(record.version)))
    assert ends_task(world, launch=1) == "ignored: its runner has said its last word"
    assert world.job().launch == 1


@pytest.mark.parametrize(("gets_further", "launches"), [(False, MAX_LAUNCHES), (True, MAX_INTERRUPTIONS)])
def test_machines_that_get_further_are_not_given_up_as_soon_as_those_that_do_not(
    gets_further: bool, launches: int
) -> None:
    world = at("building")
    for launch in range(1, MAX_INTERRUPTIONS + 1):
        job = world.job()
        key = keys.job_lease(job.id)
        record = world.store.get(key)
        assert record is not None
        lease = record.body | {"launch": launch, "step": launch if gets_further else 0}
        world.store.commit(Put(replace(record, body=lease), AtVersion(record.version)))
        ends_task(world, launch)
        if world.issue.phase == "waiting":
            break
        world.inbound({"kind": "job", "data": {"job": job.id, "epoch": launch + 1, "claimed": True}})
    assert launch == launches
    assert world.issue.phase == "waiting"


def test_a_stopped_jobs_claim_does_not_end_the_watch_over_the_next_job() -> None:
    world = at("building")
    build = world.job()
    world.says(OCTOCAT, "/persevere stop")
    world.says(OCTOCAT, "/persevere resume")
    assert "look" in world.issue.deadlines
    world.inbound({"kind": "job", "data": {"job": build.id, "epoch": 1, "claimed": True}})
    assert "look" in world.issue.deadlines


def test_a_refused_machine_of_an_earlier_job_is_no_news() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere approve v1")
    first = world.effects("start_task")[0]
    world.says(OCTOCAT, "/persevere stop")
    world.says(OCTOCAT, "/persevere resume")
    assert world.perform(first, "refused", "final").startswith("ignored")
    assert world.issue.phase == "approved"
    second = next(each for each in world.effects("start_task"))
    world.perform(second, "refused", "final", words="no such image")
    halted(world, "no_machine", "/persevere resume")


def test_a_crowded_repository_queues_and_looks_again() -> None:
    world = at("proposed")
    world.operator = world.operator.model_copy(update={"jobs_a_repository": 0})
    world.says(OCTOCAT, "/persevere approve v1")
    assert world.job().status == "queued"
    assert not world.effects("start_task")
    world.rings("queue")
    assert world.job().status == "queued"
    world.operator = world.operator.model_copy(update={"jobs_a_repository": 3})
    world.rings("queue")
    assert world.job().status == "launching"


@pytest.mark.parametrize(
    ("reason", "message", "halt"),
    [
        ("no_setup", "cannot_prepare", "cannot_prepare"),
        ("no_workspace", "cannot_prepare", "cannot_prepare"),
        ("too_big", "not_published", "not_published"),
        ("model", "model_stopped", "model_stopped"),
        ("refused", "model_stopped", "model_stopped"),
        ("out_of_money", "out_of", "out_of_money"),
        ("out_of_time", "out_of", "out_of_time"),
    ],
)
def test_a_build_that_gives_up_says_why(reason: str, message: str, halt: str) -> None:
    world = at("building")
    world.finishes("gave_up", reason=reason, summary="it was too much")
    assert world.messages() == [message]
    assert world.issue.waiting is not None and world.issue.waiting.reason == halt
    lines_work(world)


def test_a_proof_that_cannot_be_made_is_no_verdict() -> None:
    world = at("verifying")
    world.finishes("gave_up", reason="no_setup", summary="make: not found")
    halted(world, "cannot_prepare", "/persevere resume")
    assert world.issue.verdicts == ()
    assert world.says(OCTOCAT, "/persevere resume") == "executed"
    assert (world.issue.phase, world.job().kind) == ("verifying", "verify")


# --- GitHub refuses --------------------------------------------------------------------------------------------

COMMIT = [
    ("policy", "not_published", "not_published", "/persevere revise leave ci.yml as it is"),
    ("bad_changeset", "not_published", "not_published", "/persevere revise leave ci.yml as it is"),
    ("moved", "branch_moved", "branch_moved", "/persevere retry"),
    ("gone", "branch_moved", "branch_moved", "/persevere retry"),
    ("permission", "permission_missing", "permission", "/persevere resume"),
    ("unprocessable", "branch_refused", "branch_refused", "/persevere resume"),
]


@pytest.mark.parametrize(("error", "message", "reason", "line"), COMMIT)
def test_a_commit_that_is_refused(error: str, message: str, reason: str, line: str) -> None:
    world = at("building")
    world.finishes("handed_over", changeset="blob", files=1)
    world.settle("commit")
    problems = [{"path": "ci.yml", "rule": "protected", "words": "no"}]
    world.perform(world.effects("commit")[0], "refused", error, words="no", problems=problems, found="f" * 40)
    assert world.messages() == [message]
    halted(world, reason, line)


def test_late_work_that_is_refused_does_not_halt_the_build_that_goes_on() -> None:
    world = at("building")
    job = world.job()
    world.says(OCTOCAT, "/persevere stop")
    world.finishes("interrupted", job.id, reason="stopped", changeset="blob", files=1)
    world.says(OCTOCAT, "/persevere resume")
    world.settle("commit")
    world.claims()
    world.perform(world.effects("commit")[0], "refused", "policy", words="no")
    assert (world.issue.phase, world.messages()) == ("building", [])


def test_late_work_that_lands_during_the_next_build_is_not_proved_in_its_place() -> None:
    world = at("building")
    job = world.job()
    world.says(OCTOCAT, "/persevere stop")
    world.finishes("interrupted", job.id, reason="stopped", changeset="blob", files=1)
    late = world.effects("commit")[0]
    world.says(OCTOCAT, "/persevere resume")
    world.settle("commit")
    world.claims()
    world.finishes("handed_over", changeset="other", files=1)
    world.perform(late)
    assert world.issue.phase == "building", "it waits for its own commit"


def test_a_branch_that_is_refused_ends_the_build() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere approve v1")
    world.perform(world.effects("branch")[0], "refused", "unprocessable", words="a rule protects it")
    assert world.messages() == ["branch_refused"]
    halted(world, "branch_refused", "/persevere resume")
    world.says(OCTOCAT, "/persevere resume")
    assert len(world.effects("branch")) == 1, "another branch is tried"


@pytest.mark.parametrize(("error", "line"), [("unprocessable", "/persevere verify"), ("closed", "/persevere retry")])
def test_a_pull_request_that_is_refused(error: str, line: str) -> None:
    world = at("verifying")
    world.verifies()
    world.settle("pull")
    world.perform(world.effects("pull")[0], "refused", error, words="no", number=57)
    assert world.messages() == ["pull_refused"]
    halted(world, "pull_refused", line)


@pytest.mark.parametrize("error", ["permission", "unprocessable", "gone"])
def test_a_spec_that_cannot_be_posted_is_posted_again_by_one_line(error: str) -> None:
    world = World()
    world.says(OCTOCAT, "/persevere plan")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys()
    world.perform(world.effects("spec_comment")[0], "refused", error, words="no")
    halted(world, "spec_not_posted", "/persevere resume")
    world.settle()
    assert world.says(OCTOCAT, "/persevere resume") == "executed"
    world.settle()
    assert world.says(OCTOCAT, "/persevere approve v1") == "executed"


def test_on_a_locked_issue_the_spec_is_posted_once_it_is_unlocked() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere revise budget $2")
    world.settle()
    world.claims()
    world.surveys()
    newest = next(each for each in world.effects("spec_comment") if each.slot == "spec-v2")
    world.perform(newest, "refused", "locked", words="locked")
    assert world.issue.locked
    world.settle()
    assert [note.name for note in world.issue.notes] == ["locked"]
    world.issue_event(HUBOT, "unlocked")
    assert world.issue.notes == (), "the status does not go on saying that it is locked"
    assert [each.slot for each in world.effects("spec_comment")] == ["spec-v2"]


@pytest.mark.parametrize("kind", ["react", "status", "checks", "hide"])
def test_what_nothing_hangs_on_becomes_a_line_in_the_status(kind: str) -> None:
    world = at("building")
    body = {"effect": "x", "kind": kind, "slot": kind, "state": "gave_up", "error": "trouble", "remote": {}}
    world.inbound({"kind": "outcome", "data": body})
    assert world.issue.phase == "building"
    assert world.issue.notes[-1].name == "not_done"


# --- planner, deadlines, faults --------------------------------------------------------------------------------


def asked() -> World:
    world = World()
    world.says(OCTOCAT, "/persevere plan")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    return world


@pytest.mark.parametrize(
    ("failed", "message", "reason"),
    [
        ("out_of_money", "asking_used_up", "asking_used_up"),
        ("model", "model_stopped", "model_stopped"),
        ("fault", "fault", "fault"),
        ("", "model_stopped", "model_stopped"),
    ],
)
def test_a_planner_that_fails(failed: str, message: str, reason: str) -> None:
    world = asked()
    world.plans(outcome="failed", spec=None, failed=failed, detail="words")
    assert world.messages() == [message]
    halted(world, reason, "/persevere resume")


def test_a_raised_allowance_counts_when_asking_goes_on() -> None:
    world = asked()
    world.plans(outcome="failed", spec=None, failed="out_of_money", detail="words")
    world.operator = world.operator.model_copy(update={"asking_nano": NANO})
    world.says(OCTOCAT, "/persevere resume")
    ask = world.view().ask
    assert ask is not None and ask.limit_nano == NANO


def test_a_planner_that_says_nothing_is_asked_again_twice_then_a_person() -> None:
    world = asked()
    for _ in range(2):
        world.rings("planner")
        assert world.issue.phase == "interviewing"
    world.rings("planner")
    halted(world, "fault", "/persevere resume")
    assert len(world.effects("start_planner", still_open=False)) == 3


def test_an_answer_that_is_thrown_away_is_told_with_what_it_cost() -> None:
    world = asked()
    world.says(OCTOCAT, "/persevere stop")
    world.settle()
    assert world.plans(spent_nano=NANO // 20) == "thrown away: the issue is stopped"
    (note,) = world.issue.notes
    assert (note.name, note.text) == ("answer_dropped", "$0.05")
    assert world.effects("status")
    world.plans(outcome="failed", spec=None, failed="not_wanted", spent_nano=0)
    assert len(world.issue.notes) == 1, "what cost nothing needs no line"


def test_only_the_answer_that_is_waited_for_counts() -> None:
    world = asked()
    first = world.effects("start_planner", still_open=False)[0]
    world.rings("planner")
    assert world.plans(first.id).startswith("thrown away")
    assert world.plans() == "executed"
    assert world.plans().startswith("thrown away"), "an answer counts once"
    assert world.issue.version == 1


def test_questions_without_a_question_are_a_failure() -> None:
    world = asked()
    world.plans(outcome="questions", spec=None)
    halted(world, "model_stopped", "/persevere resume")


def test_nobody_answers_and_it_sleeps_until_somebody_types() -> None:
    world = asked()
    world.plans(outcome="questions", spec=None, questions=({"text": "Which?"},))
    world.settle()
    world.rings("sleep")
    halted(world, "asleep", "/persevere")
    assert world.messages() == ["questions"], "no reminder"
    world.says(OCTOCAT, "/persevere")
    assert world.issue.phase == "interviewing"


def test_an_answer_is_not_slept_over() -> None:
    world = asked()
    world.plans(outcome="questions", spec=None, questions=({"text": "Which?"},))
    world.says(OCTOCAT, "1a")
    world.rings("quiet")
    assert "sleep" not in world.issue.deadlines


def test_a_deadline_that_was_moved_since_does_nothing() -> None:
    world = at("proposed")
    world.now += MINUTE
    assert world.inbound({"kind": "deadline", "data": {"names": ["approval"]}}) == "nothing was due any more"
    assert world.issue.phase == "proposed"


def fault(world: World, body: dict[str, Any]) -> None:
    key = keys.inbound(PK, world.now, f"{world.number():026d}")
    world.store.commit(Put(Record(key, "inbound", body, due=0), ABSENT))
    fresh = Fresh(("jx",), ("u1", "u2"))
    decision = decide_fault(world.view(), Inbound.model_validate(body), key, 1, world.now, fresh, "E-123456")
    before = dict(world.store.items)
    world.store.commit(*decision.changes)
    rules.check(before, world.store.items, world.view())


@pytest.mark.parametrize("place", ["building", "verifying", "in_review", "proposed"])
def test_our_own_fault_stops_what_runs_and_gives_its_number(place: str) -> None:
    world = at(place)
    fault(world, {"kind": "outcome", "data": {}})
    assert world.message("fault")["number"] == "E-123456"
    halted(world, "fault", "/persevere resume")


def test_our_own_fault_at_rest_changes_nothing_but_says_so() -> None:
    world = at("unproved")
    fault(world, {"kind": "outcome", "data": {}})
    assert world.issue.waiting is not None and world.issue.waiting.reason == "unproved"
    assert world.messages()[-1] == "fault"
