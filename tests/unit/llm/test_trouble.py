"""A provider that does not answer: waited for as it asks, done without where another can go on, and ended in words."""

from __future__ import annotations

import pytest

from shared.domain.operator import Operator
from shared.domain.provider_words import trouble_words
from shared.domain.step import Asking, Out
from shared.llm.slot import Broke, Stored, Wait
from shared.llm.trouble import ALONE_MS, PATIENCE_MS, SHORTER_MAX, may_ask, pause_ms, way_of
from shared.ports import ModelBusy, ModelFailed
from tests.unit.llm.desk import Desk, Told, answer

A, B, C = "scripted:demo", "anthropic:claude-sonnet-5-5", "openai:gpt-6.1-sol"
BOTH, ALL = (A, B), (A, B, C)


def through(desk: Desk, others: tuple[str, ...] = BOTH, most: int = 400) -> Stored | Broke:
    """Ask as a runner does, until there is an answer."""
    for _ in range(most):
        outcome = desk.ask(others=others)
        if not isinstance(outcome, Wait):
            assert outcome is not None
            return outcome
        desk.clock.advance(outcome.ms / 1000)
    raise AssertionError("it waits for ever")


def models(desk: Desk) -> list[str]:
    return [request.model for request in desk.model.asked]


@pytest.mark.parametrize(
    ("raised", "cause"),
    [
        (ModelFailed("401", cause="key"), "key"),
        (ModelFailed("404", cause="model"), "model"),
        (ModelBusy("no quota", 3600, "spend_cap", long=True), "spend_cap"),
        (ModelBusy("today's quota", 3600, "rate", long=True), "rate"),
        (ModelBusy("much later", 900, "overloaded"), "overloaded"),
    ],
)
def test_another_model_goes_on_at_once_where_waiting_is_no_use(raised: Exception, cause: str) -> None:
    desk = Desk(model=Told([raised]))
    began = desk.clock.now()
    outcome = through(desk)
    assert isinstance(outcome, Stored)
    assert models(desk) == [A, B]
    assert desk.clock.now() - began < 1_000
    asking = outcome.state.asking
    assert asking is not None
    assert [(each.model, each.cause) for each in asking.outs] == [(A, cause)]
    assert desk.ledger().spent_nano == outcome.state.billed.nano, "nothing was billed by the one that did not answer"
    assert desk.told == [f"scripted {desk.said_of(cause)}, going on with {B}"]


def test_an_overloaded_provider_is_given_a_minute() -> None:
    desk = Desk(model=Told([ModelBusy("529", 10)] * 5))
    began = desk.clock.now()
    assert isinstance(through(desk), Stored)
    assert set(models(desk)) == {A}, "it came back in time"
    assert desk.clock.now() - began <= PATIENCE_MS
    desk = Desk(model=Told([ModelBusy("529", 10)] * 6))
    assert isinstance(through(desk), Stored)
    assert models(desk)[-1] == B


def test_the_money_of_the_one_that_goes_on_is_held_at_its_price() -> None:
    desk = Desk(model=Told([ModelFailed("401", cause="key")]))
    outcome = through(desk, (A, "anthropic:claude-opus-5-5"))
    assert isinstance(outcome, Stored)
    assert outcome.state.billed.nano == 100 * 4_000 + 50 * 20_000


def test_a_long_wait_is_told_once_a_minute_and_ends_in_words() -> None:
    desk = Desk(model=Told([ModelBusy("529", 20)] * 500))
    began = desk.clock.now()
    outcome = through(desk, (A,))
    assert isinstance(outcome, Stored)
    reply = outcome.state.reply
    assert reply is not None
    assert (reply.over, reply.cause) == ("gave_up", "busy")
    minutes = (desk.clock.now() - began) // 60_000
    assert ALONE_MS // 60_000 - 2 <= minutes <= ALONE_MS // 60_000
    assert minutes - 2 <= len(desk.told) <= minutes + 1
    assert all("waiting for scripted: scripted is overloaded since" in each for each in desk.told)


def test_when_all_are_out_each_is_asked_again_and_then_a_person_is() -> None:
    desk = Desk(model=Told([ModelBusy("529", 10)] * 500))
    outcome = through(desk, ALL)
    assert isinstance(outcome, Stored)
    reply = outcome.state.reply
    assert reply is not None
    assert reply.cause == "busy"
    assert set(models(desk)) == set(ALL)
    assert all(models(desk).count(each) > 3 for each in ALL)
    assert desk.ledger().spent_nano == desk.ledger().held_nano == 0


def test_one_that_comes_back_after_all_were_out_is_not_out_any_more() -> None:
    desk = Desk(model=Told([ModelBusy("no quota", 60, "spend_cap", long=True), *[ModelBusy("529", 10)] * 7]))
    outcome = through(desk)
    assert isinstance(outcome, Stored)
    asking = outcome.state.asking
    assert asking is not None
    assert outcome.state.reply is not None
    assert outcome.state.reply.text == "hello"
    assert (asking.model, [each.model for each in asking.outs]) == (B, [A])


def test_all_of_them_out_for_good_ends_at_once_with_the_reasons() -> None:
    desk = Desk(model=Told([ModelFailed("401", cause="key"), ModelFailed("no such model", "choose another")]))
    outcome = through(desk)
    assert isinstance(outcome, Stored)
    reply = outcome.state.reply
    assert reply is not None
    assert reply.cause == "model"
    assert "no such model (choose another)" in reply.why
    assert "scripted refuses the key" in reply.why


@pytest.mark.parametrize("cause", ["refused", "request", "exhausted"])
def test_another_model_is_no_way_round_a_refusal(cause: str) -> None:
    desk = Desk(model=Told([ModelFailed("no", cause=cause)]))
    outcome = through(desk)
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert outcome.state.reply.cause == cause
    assert models(desk) == [A]


def test_too_long_is_made_shorter_twice_and_then_it_ends() -> None:
    desk = Desk(model=Told([ModelFailed("too long", cause="too_long")] * 5))
    shortened: list[int] = []
    for _ in range(5):
        outcome = desk.ask(may_shorten=True)
        asking = desk.state(0).asking
        assert asking is not None
        shortened.append(asking.shortened)
        if isinstance(outcome, Stored):
            break
        desk.clock.advance(1)
    assert shortened == [1, 2, 2]
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert outcome.state.reply.cause == "too_long"


@pytest.mark.parametrize("may_shorten", [False, True])
def test_what_one_model_cannot_take_another_one_is_asked(may_shorten: bool) -> None:
    """An account's tokens a minute are too few for one request, say: that says nothing of another provider."""
    refusals = SHORTER_MAX + 1 if may_shorten else 1
    desk = Desk(model=Told([ModelFailed("too long", cause="too_long")] * refusals + [answer()]))
    for _ in range(5):
        outcome = desk.ask(may_shorten=may_shorten, model=A, others=ALL)
        if isinstance(outcome, Stored):
            break
        desk.clock.advance(1)
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert outcome.state.reply.text == "hello"
    assert outcome.state.asking is not None
    assert outcome.state.asking.model == B


def test_the_pause_is_never_shorter_than_asked_and_grows_with_jitter() -> None:
    assert pause_ms(42, 1, "x") == 42_000
    means = [sum(pause_ms(0, tries, str(seed)) for seed in range(50)) / 50 for tries in (1, 2, 3, 8)]
    assert means == sorted(means)
    assert len({pause_ms(0, 3, str(seed)) for seed in range(50)}) > 40
    assert max(pause_ms(0, 40, str(seed)) for seed in range(50)) <= 30_000


def test_an_unknown_cause_is_done_without() -> None:
    assert way_of("something new") == "other"


def test_the_order_is_the_chosen_one_then_the_fallbacks() -> None:
    operator = Operator(model=A, fallbacks=(B, C))
    assert may_ask("", operator) == ALL
    assert may_ask(C, operator) == (C, B)


def test_a_usual_answer_tells_nobody() -> None:
    desk = Desk(model=Told([answer()]))
    through(desk)
    assert desk.told == []


def test_the_timeline_says_who_is_out_and_who_goes_on() -> None:
    asking = Asking(
        asker="a", until=0, hold="", model=C, outs=(Out(model=B, cause="overloaded", since=1_795_000_000_000),)
    )
    assert trouble_words(asking, B) == "Anthropic is overloaded since 11:06 UTC, going on with openai:gpt-6.1-sol"
