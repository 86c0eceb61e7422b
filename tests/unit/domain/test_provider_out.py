"""All models are out: a visible wait with its next try, no second of the job, and nobody has to come to go on."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.workflow.provider_out import FIRST_MS, MOST_MS, TRIES_MAX
from tests.unit.domain.places import at
from tests.unit.domain.world_in_memory import HUBOT, OCTOCAT, World

MINUTE = 60_000


def out(reason: str = "busy", **fields: Any) -> World:
    world = at("building")
    world.finishes("gave_up", reason=reason, summary="Anthropic is overloaded since 12:04 UTC", **fields)
    world.settle()
    return world


def still_out(world: World, reason: str = "busy") -> None:
    """One more try: it is due, a machine comes, and no model answers."""
    world.rings("provider")
    world.settle()
    world.claims()
    world.finishes("gave_up", reason=reason, summary="Anthropic is overloaded")
    world.settle()


def test_a_provider_that_is_out_is_a_wait_with_a_next_try_and_calls_nobody() -> None:
    world = out()
    waiting = world.issue.waiting
    assert waiting is not None
    assert (world.issue.phase, waiting.reason, waiting.whose) == ("waiting", "provider_out", "")
    assert world.issue.deadlines["provider"] - world.now == FIRST_MS
    assert world.messages() == []
    assert world.issue.job is None, "no machine waits"


@pytest.mark.parametrize("reason", ["key", "spend_cap"])
def test_what_a_person_must_mend_is_said_once_and_tried_all_the_same(reason: str) -> None:
    world = out(reason)
    assert world.messages() == ["model_stopped"]
    assert world.message("model_stopped")["again"]
    for _ in range(3):
        still_out(world, reason)
    assert world.messages() == ["model_stopped"], "once"
    world.rings("provider")
    world.settle()
    world.claims()
    assert world.issue.phase == "building"
    world.hands_over()
    assert (world.issue.phase, world.issue.provider_tries) == ("verifying", 0)


def test_work_that_is_not_on_the_branch_waits_too_and_is_neither_pushed_nor_proved() -> None:
    world = out(changeset="blob", tree="tree", files=3)
    assert world.issue.phase == "waiting"
    assert not world.effects("commit", still_open=False)


def test_the_tries_become_rarer_and_leave_no_trace_in_the_conversation() -> None:
    world = out()
    first = world.issue.build
    pauses = []
    for _ in range(8):
        pauses.append(world.issue.deadlines["provider"] - world.now)
        still_out(world)
        last = world.view().build
        assert last is not None
        assert last.continues is None, "the first one had no answer either: the newest begins where it began"
    assert world.issue.build != first
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_MS, MOST_MS)


def test_a_job_that_had_answers_is_gone_on_with() -> None:
    world = at("building")
    world.steps(4)
    world.finishes("gave_up", reason="busy", summary="out")
    world.settle()
    first = world.issue.build
    for _ in range(3):
        still_out(world)
        assert world.issue.build != first
        last = world.view().build
        assert last is not None
        assert last.continues == first


def test_after_a_week_a_person_is_asked() -> None:
    world = out()
    world.issue_changes(provider_tries=TRIES_MAX)
    still_out(world)
    assert world.messages() == ["model_stopped"]
    assert world.issue.waiting is not None and world.issue.waiting.reason == "model_stopped"
    assert "provider" not in world.issue.deadlines


@pytest.mark.parametrize("line", ["resume", "stop", "retry"])
def test_who_decides_meanwhile_is_not_overruled_by_the_clock(line: str) -> None:
    world = out()
    assert world.says(OCTOCAT, f"/persevere {line}") == "executed"
    before = (world.issue.phase, world.issue.build)
    if "provider" in world.issue.deadlines:
        world.rings("provider")
    assert (world.issue.phase, world.issue.build) == before


def test_a_closed_issue_is_not_tried_again() -> None:
    world = out()
    world.issue_event(HUBOT, "closed")
    assert "provider" not in world.issue.deadlines


def test_asking_goes_on_by_itself_too() -> None:
    world = World()
    world.says(OCTOCAT, "/persevere plan")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans(outcome="failed", spec=None, failed="busy", detail="out")
    assert (world.issue.phase, world.messages()) == ("waiting", [])
    world.rings("provider")
    assert world.issue.phase == "interviewing"
    assert world.plans() == "executed"
    assert world.issue.version == 1
