"""The road that most issues take: asked, proposed, approved, built, proved, reviewed, merged; and its red rounds."""

from __future__ import annotations

import pytest

from shared.domain.money import NANO
from tests.unit.domain.places import at
from tests.unit.domain.world_in_memory import BASE, CRITERIA, HUBOT, OCTOCAT, SPEC, STRANGER, TRIAGER, World


def test_from_a_bare_command_to_a_merged_pull_request() -> None:
    world = at("in_review")
    issue = world.issue
    assert [each.conclusion for each in issue.verdicts] == ["proved", "kept"]
    assert issue.pull is not None and not issue.pull.draft
    assert world.effects("pull", still_open=False)[0].data["reviewers"] == ["octocat"]
    assert world.messages() == [], "nothing was asked, so nobody was called"
    assert [(line.kind, line.purpose, line.status) for line in issue.jobs] == [
        ("survey", "brief", "handed_over"),
        ("survey", "tryout", "handed_over"),
        ("build", "", "handed_over"),
        ("verify", "", "handed_over"),
    ]
    assert world.pull_event(HUBOT, "closed", merged=True) == "executed"
    assert world.issue.phase == "done"
    assert set(world.issue.deadlines) <= {"promise"}


def test_a_second_piece_of_work_after_a_merge_continues_nothing_of_the_first() -> None:
    world = at("in_review")
    world.pull_event(HUBOT, "closed", merged=True)
    first = world.issue
    assert world.says(OCTOCAT, "/persevere") == "executed"
    again = world.issue
    assert again.phase == "interviewing"
    assert (again.build, again.branch, again.head, again.pull, again.verdicts) == (None, None, None, None, ())
    assert again.version == first.version, "numbers of versions go on"


def test_questions_are_asked_answered_and_read_when_it_is_quiet() -> None:
    world = World()
    world.says(OCTOCAT, "/persevere interview")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans(outcome="questions", spec=None, questions=({"text": "Which?", "options": [{"text": "a"}]},))
    world.settle()
    assert world.message("questions")["to"] == "octocat"
    assert world.says(HUBOT, "1a") == "heard"
    assert world.says(TRIAGER, "1b") == "left out: no write access"
    assert world.says(OCTOCAT, "@hubot what do you think?") == "ignored: words between people"
    before = len(world.effects("start_planner", still_open=False))
    assert world.rings("quiet") == "acted on quiet"
    assert len(world.effects("start_planner", still_open=False)) == before + 1
    assert world.issue.left_out_comments == 1
    assert len(world.records(world.issue.pk, "MESSAGE#")) == 1


def test_a_red_proof_goes_back_to_the_agent_with_its_evidence() -> None:
    world = at("verifying")
    first = world.issue.build
    world.verifies(AC_2="fail")
    issue = world.issue
    assert (issue.phase, issue.round) == ("building", 2)
    job = world.job()
    assert (job.kind, job.continues, job.head) == ("build", first, issue.head)
    assert "AC-1 proved" in job.message
    assert any(line.startswith("AC-2 failed") for line in job.message.split("\n"))
    assert world.messages() == [], "it is our turn: nobody is called"
    world.settle()
    world.claims()
    world.hands_over()
    world.claims()
    world.verifies()
    world.settle()
    assert world.issue.phase == "in_review"


def test_after_three_red_rounds_a_draft_and_one_question() -> None:
    world = at("unproved")
    issue = world.issue
    assert issue.pull is not None and issue.pull.draft
    assert world.effects("pull", still_open=False)[0].data["reviewers"] == []
    assert world.messages() == ["ended_unproved"]
    assert issue.waiting is not None and issue.waiting.line == "/persevere revise AC-2: <what may differ>"
    assert sum(line.kind == "build" for line in issue.jobs) == 3


def test_unproved_is_no_proof_either() -> None:
    world = at("verifying")
    world.verifies(AC_1="could_not_run")
    assert world.issue.phase == "building"
    assert [each.conclusion for each in world.issue.verdicts] == ["unproven", "kept"]


def test_out_of_money_what_is_there_is_proved_and_kept_as_a_draft_then_extend_goes_on() -> None:
    world = at("building")
    world.spends(4 * NANO)
    world.finishes("gave_up", reason="out_of_money", changeset="blob", files=1)
    world.settle()
    assert world.issue.phase == "verifying"
    world.claims()
    world.verifies(AC_1="fail")
    world.settle()
    issue = world.issue
    assert issue.phase == "paused"
    assert issue.pull is not None and issue.pull.draft
    assert world.messages() == ["out_of"]
    assert issue.waiting is not None and issue.waiting.line == "/persevere extend +$1"


def test_with_nothing_left_only_a_higher_limit_goes_on() -> None:
    world = at("building")
    world.spends(5 * NANO)
    world.finishes("gave_up", reason="out_of_money", files=0)
    assert world.job(world.issue.build).status == "failed"
    assert world.issue.waiting is not None and world.issue.waiting.reason == "out_of_money"
    assert world.says(OCTOCAT, "/persevere resume") == "refused: out of money"
    assert world.says(OCTOCAT, "/persevere extend +$2") == "executed"
    assert world.issue.phase == "approved"
    ledger = world.view().ledger
    assert ledger is not None and ledger.limit_nano == 7 * NANO


@pytest.mark.parametrize("words", ["+20m", "+20 m", "20 min", "+20 minutes", "$0 +20 M", "+10 m +10m", "+10 m 10 Min"])
def test_time_is_extended_however_its_unit_is_spelt(words: str) -> None:
    world = at("building")
    before = world.view().ledger
    assert world.says(OCTOCAT, f"/persevere extend {words}") == "executed"
    after = world.view().ledger
    assert before is not None and after is not None
    assert after.limit_seconds - before.limit_seconds == 20 * 60


def test_more_time_for_no_money_starts_no_machine_and_names_both() -> None:
    world = at("building")
    world.spends(5 * NANO, seconds=3600)
    world.finishes("gave_up", reason="out_of_money", files=0)
    before, phase = world.view().ledger, world.issue.phase
    assert world.issue.waiting is not None and world.issue.waiting.line == "/persevere extend +$1 +20m"
    for words in ("+20m", "+$2", "+$0.01 +20m"):
        world.says(OCTOCAT, f"/persevere extend {words}")
        assert world.outcomes[-1].startswith("refused: out of "), words
        assert world.view().ledger == before, "nothing was done is what it says"
    assert (world.issue.phase, world.issue.job) == (phase, None)
    lines = [each.data["line"] for each in world.effects("comment", still_open=False) if each.data["name"] == "not_now"]
    assert set(lines) == {"/persevere extend +$1 +20m"}
    assert world.says(OCTOCAT, lines[0]) == "executed"
    assert world.issue.phase == "approved"


def test_out_of_time_after_a_red_round_pauses() -> None:
    world = at("verifying")
    world.verifies(AC_2="fail")
    world.settle()
    world.claims()
    world.finishes("gave_up", reason="out_of_time", files=0)
    world.settle()
    assert world.issue.phase == "paused"
    assert world.issue.pull is not None and world.issue.pull.draft
    assert world.message("out_of")["what"] == "time"


def test_an_empty_change_never_becomes_a_pull_request() -> None:
    world = at("building")
    world.finishes("handed_over", changeset="blob", files=0, summary="all done")
    world.settle()
    assert world.issue.phase == "waiting"
    assert world.messages() == ["no_change"]
    assert not world.effects("pull", still_open=False)
    assert not world.effects("commit", still_open=False)


def test_a_commit_that_changes_nothing_is_an_empty_change_too() -> None:
    world = at("building")
    world.finishes("handed_over", changeset="blob", files=1, summary="all done")
    world.settle("commit")
    world.perform(world.effects("commit")[0], "refused", "no_change", words="nothing differs from the base")
    world.settle()
    assert world.messages() == ["no_change"]
    assert world.issue.phase == "waiting"


def test_work_that_is_on_the_branch_already_is_judged_and_not_pushed_again() -> None:
    world = at("building")
    world.finishes("handed_over", changeset="blob", tree="same", files=1)
    world.settle()
    world.claims()
    world.verifies(AC_2="fail")
    world.settle()
    world.claims()
    world.finishes("handed_over", changeset="blob", tree="same", files=1)
    assert not world.effects("commit")
    assert world.messages() == ["ended_unproved"]


def test_work_that_github_did_not_take_is_offered_again() -> None:
    world = at("verifying")
    world.verifies(AC_2="fail")
    world.settle()
    for _ in range(2):
        world.claims()
        world.finishes("handed_over", changeset="blob", tree="same", files=1)
        world.settle("commit")
        world.perform(world.effects("commit")[0], "refused", "permission", words="no")
        world.says(OCTOCAT, "/persevere resume")
        world.settle()
    assert len(world.effects("commit", still_open=False)) == 3


def test_a_revision_that_needs_no_new_commit_is_proved_on_the_one_that_is_there() -> None:
    world = at("unproved")
    head = world.issue.head
    assert world.says(OCTOCAT, "/persevere revise AC-2: line ends may differ") == "executed"
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    assert world.says(OCTOCAT, "/persevere approve v2") == "executed"
    world.settle()
    world.claims()
    world.hands_over(files=0)
    assert (world.issue.phase, world.issue.head) == ("verifying", head)
    world.claims()
    world.verifies()
    world.settle()
    assert world.issue.phase == "in_review"


def test_what_is_true_already_is_not_built() -> None:
    world = World()
    world.says(OCTOCAT, "/persevere plan")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys(AC_1="pass", AC_2="pass")
    assert world.issue.phase == "waiting"
    assert world.message("nothing_to_build")["criteria"] == ["AC-1"]


@pytest.mark.parametrize(
    "document",
    [{}, SPEC | {"criteria": None}, SPEC | {"criteria": []}, SPEC | {"criteria": [CRITERIA[0], CRITERIA[0]]}],
)
def test_a_spec_without_criteria_of_their_own_is_none(document: dict[str, object]) -> None:
    """Nothing to prove would read as everything proved."""
    world = World()
    world.says(OCTOCAT, "/persevere plan")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans(spec=document)
    assert (world.issue.phase, world.issue.version) == ("waiting", 0)
    assert world.message("model_stopped")["why"] == "invalid"


def test_the_contract_that_is_built_is_the_one_that_was_approved() -> None:
    world = at("building")
    approval, job = world.issue.approval, world.job()
    assert approval is not None
    assert (approval.version, approval.role, approval.base, approval.way) == (1, "maintain", BASE, "typed")
    record = world.view().approved
    assert record is not None and record.sha256 == approval.sha256
    assert (job.spec_version, job.ledger, job.base) == (1, 1, BASE)


def test_a_text_of_a_stranger_that_was_taken_in_marks_the_build() -> None:
    world = at("proposed")
    world.says(STRANGER, "it should also work in Bern")
    comment = next(each for each in world.comments.values() if each.author == STRANGER)
    link = "https://github.com/octo-org/octo-repo/issues/42#issuecomment-" + str(comment.id)
    assert world.says(TRIAGER, f"/persevere include {link}") == "refused: role"
    assert world.says(OCTOCAT, f"/persevere include {link}") == "executed"
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    assert world.says(OCTOCAT, "/persevere approve v2") == "executed"
    assert world.job().tainted


def test_accepting_what_a_person_must_judge_makes_it_ready_and_reads_accepted() -> None:
    world = at("unproved")
    assert world.says(TRIAGER, "/persevere accept AC-2") == "refused: role"
    assert world.says(OCTOCAT, "/persevere accept AC-9") == "refused: no such criterion"
    assert world.says(OCTOCAT, "/persevere accept AC-1") == "refused: holds already"
    assert world.says(HUBOT, "/persevere accept ac-2: CRLF is fine for us") == "executed"
    verdict = world.issue.verdicts[1]
    assert verdict.conclusion == "accepted"
    assert verdict.accepted is not None and verdict.accepted.why == "CRLF is fine for us"
    assert world.issue.phase == "in_review"
    assert [each.data["draft"] for each in world.effects("pull_text")] == [False]
