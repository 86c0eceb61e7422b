"""`/persevere model`: for the next job, inside the operator's list, never guessed; and the way on when a model stopped it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.chosen import chosen_model, nearest_model, roughly_buys
from shared.domain.money import NANO
from shared.domain.operator import Offer, Operator
from shared.domain.repository_settings import RepositorySettings
from tests.unit.domain.places import PLACES, at
from tests.unit.domain.world_in_memory import HUBOT, OCTOCAT, TRIAGER, World

SONNET, SOL, LUNA = "anthropic:claude-sonnet-5-5", "openai:gpt-6.1-sol", "openai:gpt-6-luna"
OFFERS = (
    Offer(name=SONNET, input=2_000, output=10_000, cached=100, smallest_step_nano=NANO // 100),
    Offer(name=SOL, input=2_000, output=10_000, cached=100, smallest_step_nano=NANO // 100),
    Offer(name=LUNA, input=100, output=500, cached=10, smallest_step_nano=NANO // 1000),
)
OPERATOR = Operator(model=SONNET, models=(SONNET, SOL, LUNA), offers=OFFERS, fallbacks=(SOL,))


def with_models(world: World) -> World:
    chosen = {name: getattr(OPERATOR, name) for name in ("model", "models", "offers", "fallbacks")}
    world.operator = world.operator.model_copy(update=chosen)
    return world


@pytest.mark.parametrize("place", PLACES)
def test_it_is_taken_at_any_time_and_counts_for_the_next_job(place: str) -> None:
    world = with_models(at(place))
    before = world.job().model if world.issue.job else None
    assert world.says(OCTOCAT, f"/persevere model {SOL}") == "executed"
    assert world.issue.model == SOL
    assert before is None or world.job().model == before, "the job at work is left alone"
    assert world.effects("react")[-1].data["content"] == "rocket"


def test_the_next_build_is_for_the_model_that_was_chosen() -> None:
    world = with_models(at("proposed"))
    world.says(HUBOT, f"/persevere model {LUNA}")
    world.says(OCTOCAT, "/persevere approve v1")
    assert world.job().model == LUNA


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("gpt-6.1-sol", f"/persevere model {SOL}"),
        ("openai:gpt-6.1-sun", f"/persevere model {SOL}"),
        ("sonnet-5.5", f"/persevere model {SONNET}"),
        ("Anthropic:Claude-Sonnet-5-5", f"/persevere model {SONNET}"),
        ("gemini:gemini-4-argon", ""),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_none_of_them_is_answered_with_the_nearest(word: str, line: str) -> None:
    world = with_models(at("building"))
    assert world.says(OCTOCAT, f"/persevere model {word}".rstrip()) == "refused: no such model here"
    message = world.message("model_unknown")
    assert (message["word"], message["line"]) == (word, line)
    assert tuple(message["known"]) == OPERATOR.models
    assert world.issue.model == ""


def test_who_may_not_write_may_not_choose() -> None:
    world = with_models(at("building"))
    assert world.says(TRIAGER, f"/persevere model {SOL}") == "refused: role"


def _stopped_by_the_model(place: str) -> World:
    world = with_models(at(place))
    world.finishes("gave_up", reason="key", summary="Anthropic refuses the key")
    world.settle()
    return world


def test_where_the_model_stopped_it_another_one_goes_on_at_once() -> None:
    world = _stopped_by_the_model("building")
    assert world.issue.phase == "waiting"
    message = world.message("model_stopped")
    assert message["other"] == f"/persevere model {SOL}"
    assert world.says(OCTOCAT, message["other"]) == "executed"
    assert (world.issue.phase, world.job().model, world.job().kind) == ("approved", SOL, "build")
    assert world.job().continues is not None, "with the work kept"


def test_where_the_planners_model_stopped_it_another_one_reads_on() -> None:
    world = with_models(at("idle"))
    world.says(OCTOCAT, "/persevere")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans(outcome="failed", spec=None, failed="key", detail="401")
    assert world.message("model_stopped")["other"] == f"/persevere model {SOL}"
    assert world.says(OCTOCAT, f"/persevere model {SOL}") == "executed"
    assert (world.issue.phase, bool(world.issue.planning)) == ("interviewing", True)


@pytest.mark.parametrize(
    ("issue", "settings", "chosen"),
    [("", None, SONNET), ("", LUNA, LUNA), (SOL, LUNA, SOL), ("gone:model", LUNA, LUNA), ("", "gone:model", SONNET)],
)
def test_a_persons_choice_wins_over_the_repositorys_and_that_over_the_operators(
    issue: str, settings: str | None, chosen: str
) -> None:
    world = at("idle")
    state = world.issue.model_copy(update={"model": issue, "settings": RepositorySettings(model=settings)})
    assert chosen_model(state, OPERATOR) == chosen


@pytest.mark.parametrize("verb", ["", "approve v1"])
def test_a_repository_cannot_choose_outside_of_the_operators_list(verb: str) -> None:
    world = with_models(at("proposed" if verb else "idle"))
    world.settings, world.model_line = RepositorySettings(model="gpt-6.1-sol"), 3
    assert world.says(OCTOCAT, f"/persevere {verb}".rstrip()) == "refused: settings"
    message = world.message("settings_broken")
    assert (message["nearest"], message["line"]) == (SOL, 3)
    world.settings = RepositorySettings(model=LUNA)
    assert world.says(OCTOCAT, f"/persevere {verb}".rstrip()) == "executed"


def test_a_budget_is_held_against_the_model_that_will_work() -> None:
    dear: Any = OFFERS[0].model_copy(update={"smallest_step_nano": 2 * NANO})
    world = with_models(at("proposed"))
    world.operator = world.operator.model_copy(update={"offers": (dear, *OFFERS[1:])})
    assert world.says(OCTOCAT, "/persevere approve v1") == "refused: too_small"
    world.says(OCTOCAT, f"/persevere model {LUNA}")
    assert world.says(OCTOCAT, "/persevere approve v1") == "executed"


def test_what_money_buys_is_a_guess_in_two_digits() -> None:
    assert roughly_buys(OFFERS[0], 6 * NANO) == 340
    assert roughly_buys(OFFERS[2], 6 * NANO) == 5_800
    assert roughly_buys(OFFERS[0], NANO // 1000) == 0
    assert nearest_model("LUNA", OPERATOR) == LUNA
