"""Money is reserved before it is spent: spent and held together never pass the limit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.domain.ledger import Ledger, OutOfMoney, raise_limit, reserve, settle, settle_lost, spend_seconds

amounts = st.integers(0, 2_000)
names = st.sampled_from(["j/0/1", "j/1/1", "j/1/2", "v/0/1"])


class Purse(RuleBasedStateMachine):
    """Any calls in any order, repeated and misplaced ones among them."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(limit_nano=3_000, limit_seconds=600)
        self.lost = 0

    @rule(hold=names, nano=amounts, kept=st.booleans())
    def hold(self, hold: str, nano: int, kept: bool) -> None:
        if hold in self.ledger.holds:
            with pytest.raises(ValueError, match="cannot hold"):
                reserve(self.ledger, hold, nano, from_kept=kept)
            return
        found = reserve(self.ledger, hold, nano, from_kept=kept)
        if isinstance(found, OutOfMoney):
            assert found.asked_nano == nano > found.left_nano >= 0
        else:
            assert found.left_nano == self.ledger.left_nano - nano
            assert kept or found.left_nano >= found.kept_nano or nano == 0
            self.ledger = found

    @rule(hold=names, nano=st.integers(-10, 3_000))
    def pay(self, hold: str, nano: int) -> None:
        held = self.ledger.holds.get(hold)
        after = settle(self.ledger, hold, nano, "build")
        assert after.spent_nano - self.ledger.spent_nano == (0 if held is None else min(max(nano, 0), held))
        assert settle(after, hold, nano, "build") == after, "settling twice changes nothing"
        self.ledger = after

    @rule(hold=names)
    def lose(self, hold: str) -> None:
        self.lost += self.ledger.holds.get(hold, 0)
        self.ledger = settle_lost(self.ledger, hold, "build")

    @precondition(lambda self: self.ledger.limit_nano < 20_000)
    @rule(nano=amounts, seconds=st.integers(0, 100))
    def extend(self, nano: int, seconds: int) -> None:
        self.ledger = raise_limit(self.ledger, nano, seconds)

    @rule(seconds=st.floats(-5, 100))
    def work(self, seconds: float) -> None:
        before = self.ledger.spent_seconds
        self.ledger = spend_seconds(self.ledger, seconds)
        assert self.ledger.spent_seconds >= before

    @invariant()
    def never_over_the_limit(self) -> None:
        one = self.ledger
        assert 0 <= one.spent_nano + one.held_nano <= one.limit_nano
        assert one.left_nano >= one.building_nano >= 0
        assert one.building_seconds >= 0
        assert sum(one.parts.values()) == one.spent_nano
        assert one.lost_nano == self.lost <= one.spent_nano
        assert Ledger.model_validate_json(one.model_dump_json()) == one


Purse.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPurse = Purse.TestCase


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_the_share_for_proof_is_out_of_reach_of_building(limit: int, spent: int) -> None:
    ledger = Ledger(limit_nano=limit, limit_seconds=100, spent_nano=min(spent, limit))
    whole = ledger.building_nano
    assert isinstance(reserve(ledger, "build", whole + 1), OutOfMoney)
    taken = reserve(ledger, "build", whole)
    assert isinstance(taken, Ledger)
    rest = reserve(taken, "proof", taken.left_nano, from_kept=True)
    assert isinstance(rest, Ledger)
    assert rest.left_nano == 0


def test_a_negative_hold_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        reserve(Ledger(limit_nano=1, limit_seconds=1), "x", -1)


def test_asking_keeps_nothing_back() -> None:
    ask = Ledger(limit_nano=100, limit_seconds=1, kept_percent=0)
    assert ask.building_nano == 100
