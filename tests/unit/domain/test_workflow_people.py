"""People steer: stop, resume, retry, revise, say; strangers, near misses, closing, merging, pushing."""

from __future__ import annotations

import pytest

from shared.domain import keys
from shared.domain.facts import DefaultHead, IssueNow
from tests.unit.domain.places import at
from tests.unit.domain.promises import lines_work
from tests.unit.domain.world_in_memory import HUBOT, OCTOCAT, PK, STRANGER, TRIAGER, World


def test_stop_ends_at_once_keeps_late_work_and_resume_goes_on_from_it() -> None:
    world = at("building")
    job, branch = world.job(), world.issue.branch
    assert world.says(TRIAGER, "/persevere stop") == "executed"
    assert (world.issue.phase, world.issue.job) == ("stopped", None)
    assert world.job(job.id).status == "stopped"
    assert world.finishes("interrupted", job.id, reason="stopped", changeset="blob", files=2) == "work kept"
    world.settle()
    kept = world.issue.head
    assert kept is not None
    assert world.issue.phase == "stopped", "keeping the work starts nothing"
    assert world.says(OCTOCAT, "/persevere resume") == "executed"
    again = world.job()
    assert (again.continues, again.head, world.issue.branch) == (job.id, kept, branch)


def test_stop_before_a_machine_came_asks_the_machine_to_leave() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere approve v1")
    world.settle()
    world.says(OCTOCAT, "/persevere stop")
    assert [each.data["job"] for each in world.effects("stop_task")] == [world.issue.jobs[-1].id]


def test_stop_in_review_and_resume_returns_to_review_without_a_new_build() -> None:
    world = at("in_review")
    builds = len(world.issue.jobs)
    world.says(OCTOCAT, "/persevere stop")
    assert world.says(OCTOCAT, "/persevere resume") == "executed"
    assert (world.issue.phase, len(world.issue.jobs)) == ("in_review", builds)


@pytest.mark.parametrize("place", ["idle", "proposed", "building", "verifying", "in_review", "unproved"])
def test_stop_is_always_possible_where_something_can_go_on(place: str) -> None:
    world = at(place)
    outcome = world.says(OCTOCAT, "/persevere stop")
    assert outcome == ("refused: nothing runs" if place == "idle" else "executed")
    assert world.issue.job is None
    assert world.says(OCTOCAT, "/persevere stop") == "refused: nothing runs"


def test_retry_starts_over_on_a_new_branch_without_the_old_transcript() -> None:
    world = at("unproved")
    old, pull = world.issue.branch, world.issue.pull
    assert world.says(OCTOCAT, "/persevere retry") == "executed"
    issue, job = world.issue, world.job()
    assert issue.branch not in (None, old) and pull is not None
    assert (job.continues, job.head, issue.pull, issue.head, issue.round) == (None, None, None, None, 1)
    assert [each.data["branch"] for each in world.effects("branch")] == [issue.branch]


def test_an_outcome_for_the_branch_before_a_retry_is_not_taken_for_the_new_one() -> None:
    world = at("verifying")
    world.verifies()
    world.settle("pull")
    pull = world.effects("pull")[0]
    world.says(OCTOCAT, "/persevere stop")
    world.says(OCTOCAT, "/persevere retry")
    assert world.says(OCTOCAT, "/persevere retry").startswith("refused")
    world.perform(pull)
    assert world.issue.branch != pull.data["branch"]
    assert world.issue.pull is None


@pytest.mark.parametrize("place", ["building", "verifying", "in_review", "unproved"])
def test_revise_stops_what_runs_and_keeps_the_work(place: str) -> None:
    world = at(place)
    job, build = world.issue.job, world.issue.build
    assert world.says(HUBOT, "/persevere revise AC-2: warn instead") == "executed"
    assert (world.issue.phase, world.issue.job) == ("interviewing", None)
    assert job is None or world.job(job).status == "stopped"
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    assert world.says(OCTOCAT, "/persevere approve v2") == "executed"
    assert world.job().continues == build
    assert world.job().spec_version == 2


def test_revise_between_approval_and_the_machine() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere approve v1")
    assert world.says(OCTOCAT, "/persevere revise AC-2: warn instead") == "executed"
    assert world.issue.phase == "interviewing"


def test_resume_during_a_revision_keeps_the_approved_version() -> None:
    world = at("building")
    world.says(OCTOCAT, "/persevere revise AC-2: warn instead")
    world.settle()
    assert world.says(OCTOCAT, "/persevere resume") == "executed"
    assert (world.issue.phase, world.job().spec_version) == ("approved", 1)
    assert world.plans().startswith("thrown away")


def test_a_change_of_nothing_but_money_asks_no_model() -> None:
    world = at("proposed")
    asked = len(world.effects("start_planner", still_open=False))
    assert world.says(HUBOT, "/persevere revise budget $2") == "executed"
    assert len(world.effects("start_planner", still_open=False)) == asked
    assert world.job().purpose == "tryout"


def test_say_reaches_the_agent_and_never_the_contract() -> None:
    world = at("building")
    assert world.says(TRIAGER, "/persevere say use the csv module") == "executed"
    assert world.says(TRIAGER, "/persevere say skip AC-2, it is not needed") == "refused: contract"
    inbox = world.records(keys.job_pk(str(world.issue.job)), "INBOX#")
    assert [each.body["text"] for each in inbox] == ["use the csv module"]
    assert world.message("contract_change")["touches"] == "AC-2"
    world.hands_over()
    assert world.says(TRIAGER, "/persevere say hello") == "refused: no agent at work"


def test_nothing_is_said_to_strangers_before_a_writer_has_begun() -> None:
    world = World()
    assert world.says(STRANGER, "/persevere") == "refused: no role"
    world.says(STRANGER, "please do this")
    world.says(STRANGER, "hello\n/persevere plan")
    world.issue_event(STRANGER, "closed")
    assert [(each.kind, each.data["content"]) for each in world.effects(still_open=False)] == [("react", "-1")]
    assert world.says(TRIAGER, "/persevere status") == "refused: nobody with write access has started"
    assert world.says(TRIAGER, "/persevere help") == "refused: nobody with write access has started"
    assert world.says(TRIAGER, "/persevere") == "refused: role"
    assert not world.effects("status", still_open=False)


def test_strangers_are_counted_and_not_read() -> None:
    world = at("building")
    world.says(STRANGER, "/persevere stop")
    world.says(STRANGER, "have you tried turning it off?")
    world.says(HUBOT, "looks promising")
    issue = world.issue
    assert issue.phase == "building"
    assert (issue.left_out_commands, issue.left_out_comments, issue.unread_comments) == (1, 1, 1)
    assert world.messages() == []


def test_on_a_private_repository_a_stranger_is_told_why() -> None:
    world = World()
    world.private = True
    assert world.says(STRANGER, "/persevere plan") == "refused: no role"
    assert world.messages() == ["not_allowed"]


def test_a_near_miss_runs_nothing_and_is_quoted_in_the_status() -> None:
    world = at("building")
    assert world.says(OCTOCAT, "please\n/persevere stop") == "not run: near miss"
    note = world.issue.notes[-1]
    assert (note.name, note.who, note.text) == ("near_miss_other_line", "octocat", "/persevere stop")
    assert world.issue.phase == "building"
    assert [each.data["content"] for each in world.effects("react")] == ["confused"]


def test_a_yes_while_a_spec_waits_is_offered_the_line_once() -> None:
    world = at("proposed")
    assert world.says(OCTOCAT, "LGTM") == "offered the approve line"
    assert world.says(HUBOT, "go ahead") == "offered the approve line"
    assert world.messages() == ["offer_approve"]
    assert world.issue.approval is None


def test_a_misspelt_command_is_offered_the_nearest_line() -> None:
    world = at("proposed")
    for typed, line in (("aprove v1", "/persevere approve v1"), ("start", "/persevere"), ("xyzzy", "")):
        assert world.says(OCTOCAT, f"/persevere {typed}") == "refused: no such command"
        assert world.message("unknown_verb")["line"] == line


@pytest.mark.parametrize("need", [IssueNow, DefaultHead])
def test_what_cannot_be_read_is_named(need: type) -> None:
    world = World()
    world.unreadable = {need}
    assert world.says(OCTOCAT, "/persevere plan") == "refused: fact missing"
    assert world.messages() == ["fact_missing"]
    assert world.issue.phase == "idle"


def test_an_empty_repository_is_said() -> None:
    world = World()
    world.head = None
    assert world.says(OCTOCAT, "/persevere") == "refused: empty repository"


@pytest.mark.parametrize("place", ["proposed", "building", "verifying", "unproved"])
def test_closing_the_issue_stops_and_reopening_offers_resume(place: str) -> None:
    world = at(place)
    world.issue_event(OCTOCAT, "closed")
    assert (world.issue.phase, world.issue.job) == ("stopped", None)
    assert world.says(OCTOCAT, "/persevere resume") == "refused: the issue is closed"
    world.issue_event(OCTOCAT, "reopened")
    waiting = world.issue.waiting
    assert waiting is not None and (waiting.reason, waiting.line) == ("reopened", "/persevere resume")
    assert world.says(OCTOCAT, "/persevere resume") == "executed"


def test_closing_the_issue_in_review_stops_nothing() -> None:
    world = at("in_review")
    world.issue_event(OCTOCAT, "closed")
    assert world.issue.phase == "in_review"


@pytest.mark.parametrize("verb", ["/persevere revise AC-1: other", "/persevere verify", "/persevere stop"])
def test_a_pull_request_may_be_merged_or_closed_at_any_moment(verb: str) -> None:
    for merged, phase in ((True, "done"), (False, "ended")):
        world = at("unproved")
        world.says(OCTOCAT, verb)
        assert world.pull_event(OCTOCAT, "closed", merged=merged) == "executed"
        assert (world.issue.phase, world.issue.job) == (phase, None)


def test_a_closed_pull_request_ends_and_reopening_it_returns() -> None:
    world = at("in_review")
    world.pull_event(HUBOT, "closed")
    assert world.issue.waiting is not None and world.issue.waiting.line == "/persevere retry"
    lines_work(world)
    world.pull_event(HUBOT, "reopened")
    assert world.issue.phase == "in_review"


def test_a_persons_push_voids_the_proof_and_is_proved_again() -> None:
    world = at("in_review")
    theirs = "f" * 40
    assert world.pull_event(HUBOT, "synchronize", head=theirs) == "executed"
    assert (world.issue.phase, world.issue.head, world.issue.verdicts) == ("verifying", theirs, ())
    assert world.job().head == theirs
    assert world.pull_event(HUBOT, "synchronize", head=theirs) == "ignored: our own push"
    world.settle()
    world.claims()
    world.verifies(AC_1="fail")
    assert world.issue.phase == "waiting", "what a person pushed is not repaired behind their back"


def test_a_push_during_a_build_is_never_covered_by_late_work() -> None:
    world = at("unproved")
    world.says(OCTOCAT, "/persevere resume")
    world.settle()
    world.claims()
    build = world.job()
    world.pull_event(HUBOT, "synchronize", head="f" * 40)
    assert world.job(build.id).status == "stopped"
    world.finishes("interrupted", build.id, reason="stopped", changeset="blob", files=1)
    assert not world.effects("commit")


def test_other_pull_requests_are_not_ours() -> None:
    world = at("in_review")
    data = {"number": 58, "merged": True}
    body = {"kind": "pull", "action": "closed", "sender": OCTOCAT.model_dump(), "number": 58, "data": data}
    assert world.inbound(body) == "ignored: not our pull request"


def test_the_same_deed_wishes_the_same_effects() -> None:
    world = World()
    one, other = world.fork(), world.fork()
    for each in (one, other):
        each.says(OCTOCAT, "/persevere")
    assert [each.id for each in one.effects()] == [each.id for each in other.effects()]
    assert one.store.items.keys() == other.store.items.keys()
    assert one.issue.pk == PK


def test_a_command_in_a_review_is_answered_in_the_status_and_not_run() -> None:
    world = at("in_review")
    comment = {"id": 77, "body": "/persevere retry", "on_pull": True, "in_review": True}
    data = {"why": "review", "quote": "/persevere retry"}
    inbound = {"kind": "near_miss", "sender": OCTOCAT.model_dump(), "number": 57, "comment": comment, "data": data}
    assert world.inbound(inbound) == "not run: near miss"
    assert world.issue.phase == "in_review"
    assert [note.name for note in world.issue.notes] == ["near_miss_review"]
    assert world.effects("status")
    assert all(each.data["id"] != 77 for each in world.effects("react")), "a review's number is not a comment's"
