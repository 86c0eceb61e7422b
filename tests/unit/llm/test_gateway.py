"""Reserve, ask, store, settle: the money is right whatever dies, and an answer that was paid is never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.ledger import Ledger, raise_limit, reserve
from shared.domain.money import NANO
from shared.domain.provider_words import clock_of
from shared.domain.record import ANY, Put, Record
from shared.errors import Retryable
from shared.llm.access import Access
from shared.llm.gateway import FIRST_BYTES_MS, LOST_MAX, MOVE_EVERY_MS, STREAMING_MS
from shared.llm.prices import UnknownPrice, published
from shared.llm.slot import Broke, Stored, Wait
from shared.llm.sweep import sweep_ledger
from shared.llm.trouble import ALONE_MS, TRIES_MAX
from shared.ports import Answer, Conflict, ModelBusy, ModelFailed, Usage
from tests.unit.llm.desk import LEDGER, MODEL, PK, Desk, Told, answer

PRICE = published().of(MODEL, 0)
HELD = PRICE.worst(1_000, 4_000)


def test_an_answer_is_stored_and_settled_at_its_real_cost() -> None:
    desk = Desk()
    outcome = desk.ask()
    assert isinstance(outcome, Stored)
    state = desk.state(0)
    assert state.reply is not None
    assert state.reply.text == "hello"
    assert state.raw == {"id": "x"}
    assert state.billed.nano == 100 * 2000 + 50 * 10_000
    assert (desk.ledger().spent_nano, desk.ledger().held_nano) == (state.billed.nano, 0)
    assert desk.ledger().parts == {"build": state.billed.nano}


def test_the_worst_case_is_held_while_the_model_speaks() -> None:
    desk = Desk()
    held = []

    def look(alive: Callable[[], None]) -> Answer:
        held.append(desk.ledger().holds)
        return answer()

    desk.model.said = [look]
    desk.ask(bound=1_000, max_output=4_000)
    assert held == [{"job/0/1": 1_000 * 2_500 + 4_000 * 10_000}]


def test_output_is_cut_to_what_can_be_paid_from_the_building_share() -> None:
    limit = 50_000_000
    desk = Desk(limit=limit)
    desk.ask(bound=1_000, max_output=64_000)
    building = limit * 85 // 100
    assert desk.model.asked[0].max_output == (building - 1_000 * 2_500) // 10_000
    desk = Desk(limit=limit)
    desk.ask(bound=1_000, max_output=64_000, from_kept=True)
    assert desk.model.asked[0].max_output == (limit - 1_000 * 2_500) // 10_000


def test_a_call_that_cannot_be_useful_is_not_made() -> None:
    desk = Desk(limit=25_000_000)  # 15 % kept: 21.25 million, of which 2,000 output tokens alone take 20
    outcome = desk.ask(bound=1_000)
    assert isinstance(outcome, Broke)
    assert outcome.asked_nano == 1_000 * 2_500 + 2_000 * 10_000
    assert not desk.model.asked
    assert desk.state(0).asking is None
    assert desk.ledger().held_nano == 0
    assert isinstance(desk.ask(bound=1_000, from_kept=True), Stored)


def test_without_a_ledger_nothing_is_spent() -> None:
    desk = Desk()
    del desk.store.items[LEDGER]
    outcome = desk.ask()
    assert outcome == Broke(0, 0, missing=True)


def test_an_unknown_price_is_refused_before_anything_is_written() -> None:
    desk = Desk()
    with pytest.raises(UnknownPrice, match="no price is known for the model 'scripted:other'") as refused:
        desk.ask(model="scripted:other")
    assert "scripted:demo" in refused.value.advice
    assert desk.state(0).asking is None


def test_who_comes_while_another_asks_is_told_to_wait() -> None:
    desk = Desk()
    second: list[Any] = []

    def another(alive: Callable[[], None]) -> Answer:
        second.append(desk.ask())
        return answer()

    desk.model.said = [another]
    desk.ask()
    assert isinstance(second[0], Wait)
    assert len(desk.model.asked) == 1


def test_an_asker_that_came_too_late_stores_nothing_and_pays_in_full() -> None:
    desk = Desk()

    def slow(alive: Callable[[], None]) -> Answer:
        desk.clock.advance(FIRST_BYTES_MS / 1000 + 1)
        assert isinstance(desk.ask(), Stored)
        return answer(text="too late")

    desk.model.said = [slow, answer(text="in time")]
    outcome = desk.ask()
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert outcome.state.reply.text == "in time"
    worst = PRICE.worst(1_000, 4_000)
    assert desk.ledger().lost_nano == worst
    assert desk.ledger().spent_nano == worst + outcome.state.billed.nano
    assert desk.ledger().held_nano == 0


def test_who_read_the_slot_before_another_took_it_over_reads_again() -> None:
    """Between the slot and the ledger somebody else asked: the hold is there already, under the name of this attempt."""
    desk = Desk()
    ledger = reserve(desk.ledger(), "job/0/1", 1_000)
    assert isinstance(ledger, Ledger)
    desk.write(LEDGER, "ledger", ledger.model_dump(mode="json"))
    with pytest.raises(Conflict):
        desk.ask()
    assert desk.ledger() == ledger


def test_an_asker_whose_bytes_stream_is_left_alone() -> None:
    desk = Desk()
    seen: list[Any] = []

    def streaming(alive: Callable[[], None]) -> Answer:
        for _ in range(20):
            desk.clock.advance(MOVE_EVERY_MS / 1000)
            alive()
            asking = desk.state(0).asking
            assert asking is not None
            assert asking.until == desk.clock.now() + STREAMING_MS
            seen.append(desk.ask())
        return answer()

    desk.model.said = [streaming]
    assert isinstance(desk.ask(), Stored)
    assert all(isinstance(each, Wait) for each in seen)
    assert desk.ledger().lost_nano == 0


def test_the_longest_silence_that_a_provider_is_allowed_lets_nobody_in() -> None:
    """The windows against the time-outs of the real clients: a move may have been due just after the last byte."""
    patience = Access("key")
    assert patience.silent_s * 1000 + MOVE_EVERY_MS < STREAMING_MS
    assert (patience.connect_s + patience.silent_s) * 1000 + MOVE_EVERY_MS < FIRST_BYTES_MS
    desk = Desk()
    seen: list[Any] = []

    def silent(alive: Callable[[], None]) -> Answer:
        for pause in (patience.connect_s + patience.silent_s, MOVE_EVERY_MS / 1000 - 0.001, patience.silent_s):
            desk.clock.advance(pause)
            seen.append(desk.ask())
            alive()
        return answer()

    desk.model.said = [silent, answer(text="paid twice")]
    outcome = desk.ask()
    assert all(isinstance(each, Wait) for each in seen)
    assert isinstance(outcome, Stored)
    assert (len(desk.model.asked), desk.ledger().lost_nano) == (1, 0)


def test_a_busy_provider_costs_nothing_and_nobody_asks_before_it_wants() -> None:
    desk = Desk(model=Told([ModelBusy("slow down", 30)]))
    assert desk.ask() == Wait(30_000, idle=True)
    assert (desk.ledger().spent_nano, desk.ledger().held_nano) == (0, 0)
    assert isinstance(desk.ask(), Wait)
    assert len(desk.model.asked) == 1
    desk.clock.advance(31)
    assert isinstance(desk.ask(), Stored)
    assert desk.ledger().lost_nano == 0


def test_a_provider_that_stays_busy_ends_it() -> None:
    desk = Desk(model=Told([ModelBusy("slow down", 1) for _ in range(100)]))
    outcome = desk.ask()
    began = desk.clock.now()
    while isinstance(outcome, Wait):
        desk.clock.advance(outcome.ms / 1000)
        outcome = desk.ask()
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert (outcome.state.reply.over, outcome.state.reply.cause) == ("gave_up", "busy")
    assert desk.ledger().held_nano == 0
    assert len(desk.model.asked) <= TRIES_MAX
    assert desk.clock.now() - began <= ALONE_MS


def test_an_answer_that_never_came_may_have_been_billed() -> None:
    desk = Desk(model=Told([Retryable("connection reset")]))
    assert isinstance(desk.ask(), Wait)
    assert desk.ledger().held_nano == PRICE.worst(1_000, 4_000)
    outcome = desk.ask()  # at once: the asker knew that it would not come
    assert isinstance(outcome, Stored)
    assert desk.ledger().lost_nano == PRICE.worst(1_000, 4_000)


def test_answers_that_never_come_end_it() -> None:
    desk = Desk(limit=100 * NANO, model=Told([Retryable("reset") for _ in range(50)]))
    outcomes = [desk.ask() for _ in range(LOST_MAX + 2)]
    last = outcomes[-1]
    assert isinstance(last, Stored)
    assert last.state.reply is not None
    assert last.state.reply.cause == "busy"
    assert desk.ledger().held_nano == 0


def test_a_provider_that_hangs_is_an_outage_too_and_another_model_goes_on() -> None:
    """Each answer that never comes may be billed: two in a row are enough where somebody else can answer."""
    others = ("anthropic:claude-haiku-5-5", "openai:gpt-6-luna")
    desk = Desk(limit=100 * NANO, model=Told([Retryable("silent"), Retryable("silent")]))
    assert isinstance(desk.ask(model=others[0], others=others), Wait)
    assert desk.told == [], "one may be chance"
    assert isinstance(desk.ask(model=others[0], others=others), Wait)
    assert desk.told == [f"Anthropic does not answer since {clock_of(desk.clock.now())}, going on with {others[1]}"]
    assert desk.ledger().holds, "it may have been billed, and is settled by who asks next"
    assert isinstance(desk.ask(model=others[0], others=others), Stored)
    assert [each.model for each in desk.model.asked] == [others[0], others[0], others[1]]
    prices = published()
    worst = prices.of(others[0], desk.clock.now()).worst(1_000, 4_000)
    assert (desk.ledger().lost_nano, desk.ledger().held_nano) == (2 * worst, 0)


def test_where_every_model_hangs_it_still_ends() -> None:
    others = ("anthropic:claude-haiku-5-5", "openai:gpt-6-luna")
    desk = Desk(limit=100 * NANO, model=Told([Retryable("silent") for _ in range(50)]))
    outcomes = [desk.ask(model=others[0], others=others) for _ in range(LOST_MAX + 2)]
    last = outcomes[-1]
    assert isinstance(last, Stored) and last.state.reply is not None
    assert last.state.reply.cause == "busy"
    assert [each.model for each in desk.model.asked] == [others[0]] * 2 + [others[1]] * (LOST_MAX - 1)
    assert len(desk.told) == 1


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ModelFailed("no such key", "set one", cause="key"), "key"),
        (ModelFailed("nothing left", cause="exhausted"), "exhausted"),
    ],
)
def test_a_refusal_is_stored_as_the_end_and_costs_nothing(failure: ModelFailed, cause: str) -> None:
    desk = Desk(model=Told([failure]))
    outcome = desk.ask()
    assert isinstance(outcome, Stored)
    assert outcome.state.reply is not None
    assert outcome.state.reply.cause == cause
    assert str(failure) in outcome.state.reply.why
    assert (desk.ledger().spent_nano, desk.ledger().held_nano) == (0, 0)


@pytest.mark.parametrize(
    ("said", "nano"),
    [
        (answer(1_000, 10, cached=900), 100 * 2_000 + 900 * 200 + 10 * 10_000),
        (answer(1_000, 10, written=500), 500 * 2_000 + 500 * 2_500 + 10 * 10_000),
        (answer(1, 0, text="x" * 1600), 62 * 200 + 100 * 10_000),  # far too little: ours, 16 bytes a token
        (answer(0, 0), HELD),  # nobody knows: the hold counts in full
        (answer(-5, -5, cached=-1), HELD),
        (answer(500, -1), HELD),
        (replace(answer(500, 5), usage=Usage(500, output=5, reported=False)), HELD),
        (answer(10, 10, cached=500), 10 * 200 + 10 * 10_000),
        (answer(10**9, 10**9), HELD),  # never more than was held
    ],
)
def test_the_larger_of_their_count_and_ours_is_charged(said: Answer, nano: int) -> None:
    desk = Desk(model=Told([said]))
    desk.ask(sent=1_000)
    assert desk.ledger().spent_nano == nano


@pytest.mark.parametrize("die", [("before", 1), ("after", 1), ("before", 2), ("after", 2)])
def test_killed_at_any_commit_it_goes_on_and_no_stored_answer_is_paid_twice(die: tuple[str, int]) -> None:
    desk = Desk()
    assert desk.ask(die=die) is None
    if die == ("before", 1):
        assert (desk.ledger().held_nano, desk.state(0).asking) == (0, None)
    elif die != ("after", 2):
        assert isinstance(desk.ask(), Wait), "the dead asker's time has to pass first"
        assert desk.ledger().held_nano == PRICE.worst(1_000, 4_000)
    desk.clock.advance(FIRST_BYTES_MS / 1000 + 1)
    outcome = desk.ask()
    assert isinstance(outcome, Stored)
    lost = PRICE.worst(1_000, 4_000) if die in (("after", 1), ("before", 2)) else 0
    assert desk.ledger().lost_nano == lost
    assert desk.ledger().spent_nano == lost + outcome.state.billed.nano
    assert desk.ledger().held_nano == 0
    assert len(desk.model.asked) == (2 if die == ("before", 2) else 1)


def test_results_are_written_with_the_hold_or_not_at_all() -> None:
    desk = Desk()
    other = Record(LEDGER.__class__(PK, "RESULTS"), "step", {"x": 1})
    desk.write(other.key, "step", {"x": 0})
    from shared.domain.record import ABSENT

    with pytest.raises(Conflict):
        desk.ask(changes=(Put(other, ABSENT),))
    assert desk.ledger().held_nano == 0
    assert not desk.model.asked
    assert isinstance(desk.ask(changes=(Put(other, ANY),)), Stored)
    assert desk.store.items[other.key].body == {"x": 1}


def test_a_hold_that_nobody_will_ever_settle_is_swept() -> None:
    from shared.domain import keys

    desk = Desk()
    desk.ask(die=("after", 1))
    slot = keys.step("job", 0)
    assert sweep_ledger(desk.store, desk.clock, LEDGER, lambda hold: slot, "lost") == 0, "the asker may live"
    desk.clock.advance(FIRST_BYTES_MS / 1000 + 1)
    assert sweep_ledger(desk.store, desk.clock, LEDGER, lambda hold: slot, "lost") == PRICE.worst(1_000, 4_000)
    assert desk.ledger().held_nano == 0
    assert isinstance(desk.ask(), Stored)
    assert desk.ledger().lost_nano == PRICE.worst(1_000, 4_000), "swept once"


# --- any sequence --------------------------------------------------------------------------------------------

_behaviour = st.one_of(
    st.builds(answer, st.integers(-5, 5_000), st.integers(-5, 5_000), cached=st.integers(0, 5_000)),
    st.builds(answer, st.just(10**9), st.just(10**9)),
    st.just("busy"),
    st.just("lost"),
    st.just("failed"),
    st.sampled_from(["nested", "slow", "raise_limit", "heartbeat"]),
)
_die = st.one_of(st.none(), st.tuples(st.sampled_from(["before", "after"]), st.integers(1, 3)))
_action = st.tuples(st.integers(0, 2), _behaviour, _die, st.sampled_from([0, 1, 70]), st.integers(0, 50_000))


@given(st.integers(10_000_000, 400_000_000), st.lists(_action, max_size=25))
@settings(max_examples=120, deadline=None)
def test_spent_and_held_never_pass_the_limit(limit: int, actions: list[Any]) -> None:
    desk = Desk(limit=limit)

    def check() -> Ledger:
        ledger = desk.ledger()
        assert ledger.spent_nano + ledger.held_nano <= ledger.limit_nano
        assert sum(ledger.parts.values()) == ledger.spent_nano
        return ledger

    def behave(what: Any, number: int, bound: int) -> Any:
        if what == "busy":
            return ModelBusy("later", 2)
        if what == "lost":
            return Retryable("reset")
        if what == "failed":
            return ModelFailed("no")

        def meanwhile(alive: Callable[[], None]) -> Answer:
            check()
            if what == "nested":
                desk.ask((number + 1) % 3, bound=bound)
            elif what == "slow":
                desk.clock.advance(80)
                alive()
                desk.ask(number, bound=bound)
            elif what in ("raise_limit", "heartbeat"):
                ledger = raise_limit(desk.ledger(), 5 if what == "raise_limit" else 0, 1)
                desk.write(LEDGER, "ledger", ledger.model_dump(mode="json"))
            check()
            return answer()

        return meanwhile if isinstance(what, str) else what

    for number, what, die, passed, bound in actions:
        desk.model.said = [behave(what, number, bound)]
        desk.ask(number, die=die, bound=bound)
        check()
        desk.clock.advance(passed)
    desk.model.said = []
    for number in range(3):
        for _ in range(3):
            desk.clock.advance(100)
            outcome = desk.ask(number)
            check()
        assert isinstance(outcome, Stored | Broke)
    ledger = check()
    assert ledger.held_nano == 0, "once every slot was asked to its end, nothing is held"
    billed = sum(desk.state(number).billed.nano for number in range(3))
    assert ledger.spent_nano <= billed + ledger.lost_nano


def test_what_was_served_otherwise_than_asked_counts_its_hold_in_full() -> None:
    """Nobody knows the price of a tier that was not asked for; the tokens are known all the same."""
    desk = Desk()
    desk.model.said = [answer(100, 50, priced=False)]
    stored = desk.ask()
    assert isinstance(stored, Stored)
    assert stored.state.billed.nano == desk.ledger().spent_nano == published().of(MODEL, 0).worst(1_000, 4_000)
    assert stored.state.billed.input == 100
