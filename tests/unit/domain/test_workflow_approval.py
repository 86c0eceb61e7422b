"""Approval binds one person to one snapshot; everything that is not exactly that is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.money import NANO
from shared.domain.people import Role
from shared.domain.repository_settings import RepositorySettings
from tests.unit.domain.places import at
from tests.unit.domain.world_in_memory import HUBOT, MINUTE, OCTOCAT, STRANGER, TRIAGER, World, spec_body

DAY = 24 * 60 * MINUTE


def limits(**operator: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.operator = world.operator.model_copy(update=operator)

    return change


def chosen(**settings: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.settings = RepositorySettings(**settings)

    return change


def altered(world: World) -> None:
    slot = world.issue.slots["spec-v1"]
    comment = world.comments[slot.id]
    world.comments[slot.id] = replace(comment, body=comment.body.replace("ready", "rotten"))


def aged(world: World) -> None:
    world.now += 8 * DAY


def unreadable_settings(world: World) -> None:
    world.head = None


def nothing(world: World) -> None:
    pass


REFUSALS: list[tuple[str, Callable[[World], None], str, str]] = [
    ("no such version", nothing, "approve v3", "no_such_version"),
    ("another fingerprint", nothing, "approve v1 00000000", "wrong_fingerprint"),
    ("the text was altered", altered, "approve v1", "altered_spec"),
    ("too old", aged, "approve v1", "too_old"),
    ("needs maintain", chosen(approvers="maintain"), "approve v1", "not_allowed"),
    ("wants the fingerprint", chosen(approval="exact"), "approve v1", "fingerprint_wanted"),
    ("above the ceiling", limits(ceiling_nano=NANO), "approve v1", "above_ceiling"),
    ("longer than the ceiling", limits(ceiling_seconds=60), "approve v1", "above_ceiling"),
    ("unknown price", limits(models=("another",)), "approve v1", "price_unknown"),
    ("too small for a step", limits(smallest_step_nano=2 * NANO), "approve v1", "too_small"),
    ("the branch is not found", unreadable_settings, "approve v1", "fact_missing"),
    ("no version", nothing, "approve", "bad_arguments"),
    ("a word", nothing, "approve it", "bad_arguments"),
]


@pytest.mark.parametrize(("change", "line", "message"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_an_approval_that_is_refused_starts_nothing_and_says_why(
    change: Callable[[World], None], line: str, message: str
) -> None:
    world = at("proposed")
    change(world)
    assert world.says(HUBOT, f"/persevere {line}").startswith("refused")
    assert world.messages() == [message]
    assert (world.issue.phase, world.issue.approval, world.issue.job) == ("proposed", None, None)
    assert [each.data["content"] for each in world.effects("react")] == ["confused"]


def test_the_fingerprint_is_enough_where_it_is_demanded() -> None:
    world = at("proposed")
    world.settings = RepositorySettings(approval="exact")
    record = world.view().spec
    assert record is not None
    assert world.says(HUBOT, f"/persevere approve v1 {record.sha256[:8].upper()}") == "executed"
    approval = world.issue.approval
    assert approval is not None and approval.way == "exact"


def test_who_asked_may_not_approve_alone_where_two_are_wanted() -> None:
    world = at("proposed")
    world.settings = RepositorySettings(two_person=True)
    assert world.says(OCTOCAT, "/persevere approve v1") == "refused: two_person"
    assert world.says(HUBOT, "/persevere approve v1") == "executed"


@pytest.mark.parametrize("who", [TRIAGER, STRANGER])
def test_without_write_access_nobody_approves(who: Any) -> None:
    world = at("proposed")
    assert world.says(who, "/persevere approve v1").startswith("refused")
    assert world.ticks(who, 1) == "refused: role"
    assert world.issue.approval is None
    assert [each.data["version"] for each in world.effects("spec_comment")] == [1], "the box is put back"


def test_approving_twice_starts_one_build() -> None:
    world = at("building")
    assert world.says(HUBOT, "/persevere approve v1") == "refused: already_running"
    assert world.ticks(HUBOT, 1) == "refused: already_running"
    assert sum(line.kind == "build" for line in world.issue.jobs) == 1
    assert world.messages() == ["already_running"], "a second tick is put back without a word"


def test_a_deleted_spec_comment_leaves_the_snapshot_that_was_named() -> None:
    world = at("proposed")
    world.comments.clear()
    assert world.says(HUBOT, "/persevere approve v1") == "executed"


def test_a_role_that_cannot_be_read_is_said_and_approves_nothing() -> None:
    from shared.domain.facts import RoleOf

    world = at("proposed")
    world.unreadable = {RoleOf}
    assert world.says(HUBOT, "/persevere approve v1") == "refused: role unknown"
    assert world.ticks(HUBOT, 1) == "refused: role unknown"
    assert world.messages() == ["role_unknown", "role_unknown"]
    assert world.issue.approval is None


def test_a_tick_approves_as_a_typed_line_does() -> None:
    world = at("proposed")
    assert world.ticks(HUBOT, 1) == "executed"
    approval = world.issue.approval
    assert approval is not None
    assert (approval.way, approval.by.login, approval.version) == ("box", "hubot", 1)
    assert not world.effects("react"), "there is no comment of theirs to react on"


def test_unticking_before_a_machine_is_there_cancels_and_a_new_tick_starts_again() -> None:
    world = at("proposed")
    world.ticks(HUBOT, 1)
    assert world.unticks(HUBOT, 1) == "cancelled before anything was spent"
    assert (world.issue.phase, world.issue.approval, world.issue.job) == ("proposed", None, None)
    assert world.effects("stop_task")
    world.settle()
    assert world.ticks(HUBOT, 1) == "executed"
    approval, view = world.issue.approval, world.view()
    assert approval is not None and approval.ledger == 2
    assert view.ledger is not None, "every approval has a ledger of its own"


def test_unticking_during_the_build_is_too_late_and_put_back() -> None:
    world = at("building")
    assert world.unticks(OCTOCAT, 1) == "ignored: too late to un-tick"
    assert world.issue.phase == "building"
    assert len(world.effects("spec_comment")) == 1


def test_unticking_by_somebody_without_the_right_cancels_nothing() -> None:
    world = at("proposed")
    world.ticks(OCTOCAT, 1)
    assert world.unticks(TRIAGER, 1) == "ignored: too late to un-tick"
    assert world.issue.phase == "approved"


def test_a_tick_together_with_another_edit_is_an_altered_spec() -> None:
    world = at("proposed")
    body = spec_body(1)
    both = body.replace("[ ]", "[x]").replace("ready", "rotten")
    assert world.edits(HUBOT, "spec-v1", body, both) == "refused: altered"
    shown = world.message("altered_spec")
    assert shown["who"] == "hubot"
    assert any("ready" in line for line in shown["removed"])
    assert any("rotten" in line for line in shown["added"])


def test_a_tick_on_a_text_that_was_altered_before_is_refused() -> None:
    world = at("proposed")
    before = spec_body(1).replace("ready", "rotten")
    assert world.edits(HUBOT, "spec-v1", before, before.replace("[ ]", "[x]")) == "refused: altered"
    assert world.issue.approval is None


def test_a_tick_that_a_browser_sent_with_its_own_line_ends_counts() -> None:
    world = at("proposed")
    before = spec_body(1).replace("\n", "\r\n")
    assert world.edits(HUBOT, "spec-v1", before, before.replace("[ ]", "[x]")) == "executed"


def test_a_tick_on_an_old_version_is_put_back() -> None:
    world = at("proposed")
    world.says(OCTOCAT, "/persevere revise budget $2")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    assert world.issue.version == 2
    assert world.ticks(HUBOT, 1) == "refused: not_newest"
    assert world.says(HUBOT, "/persevere approve v1") == "refused: not_newest"
    assert world.ticks(HUBOT, 2) == "executed"
    record = world.view().approved
    assert record is not None and record.spec.limits.nano == 2 * NANO


def test_an_expired_spec_takes_no_tick() -> None:
    world = at("proposed")
    world.rings("approval")
    assert world.issue.waiting is not None and world.issue.waiting.line == "/persevere plan"
    assert world.ticks(HUBOT, 1).startswith("refused")
    assert world.issue.approval is None
    world.settle()
    assert world.says(OCTOCAT, "/persevere plan") == "executed"
    assert world.issue.phase == "interviewing"


def test_an_edit_of_a_comment_that_is_no_spec_is_nothing() -> None:
    world = at("proposed")
    assert world.edits(HUBOT, "status", "a", "b") == "ignored: no spec comment of ours"


def test_the_role_counts_at_the_moment_of_approval() -> None:
    world = at("proposed")
    world.roles[HUBOT.id] = Role.READ
    assert world.says(HUBOT, "/persevere approve v1") == "refused: no role"
    world.roles[HUBOT.id] = Role.ADMIN
    assert world.says(HUBOT, "/persevere approve v1") == "executed"
    approval = world.issue.approval
    assert approval is not None and approval.role == "admin"
