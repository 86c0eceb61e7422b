"""Any sequence of calls, sizes, kills and callers: the money holds at every record, and at rest nothing is held.

While a model speaks for one caller, the next caller comes, three deep; a caller may die at any of its commits. What the
provider has really billed is known here, and never more than what is spent or held.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.domain import keys
from shared.domain.ledger import raise_limit
from shared.domain.money import NANO
from shared.errors import Retryable
from shared.llm.prices import published
from shared.llm.slot import Broke, Stored
from shared.llm.sweep import sweep_ledger
from shared.ports import Answer, Conflict, ModelBusy, ModelFailed, Request, Usage
from tests.unit.llm.desk import LEDGER, Desk, Told, answer

MODELS = ("scripted:demo", "anthropic:claude-haiku-5-5", "openai:gpt-6.1-sol")
SLOTS = 3
DEATHS = st.one_of(st.none(), st.tuples(st.sampled_from(["before", "after"]), st.integers(1, 3)))
TROUBLE: dict[str, Callable[[], Exception]] = {
    "busy": lambda: ModelBusy("later", 2),
    "away for long": lambda: ModelBusy("no quota", 3600, "spend_cap", long=True),
    "key": lambda: ModelFailed("no", cause="key"),
    "lost": lambda: Retryable("reset"),
}
BEHAVIOURS = st.sampled_from(["answers", "says no bill", "bills nonsense", "lost after billing", *TROUBLE])


class Money(RuleBasedStateMachine):
    """One ledger, three slots, callers that come one within another."""

    @initialize(limit=st.integers(5_000_000, 600_000_000))
    def begin(self, limit: int) -> None:
        self.desk = Desk(limit=limit, model=Told())
        self.billed = 0
        self.depth = 0

    @rule(
        callers=st.lists(
            st.tuples(st.integers(0, SLOTS - 1), BEHAVIOURS, DEATHS, st.integers(1, 150_000), st.integers(0, 16_000)),
            min_size=1,
            max_size=3,
        ),
        waits=st.sampled_from([0, 1, 70]),
    )
    def ask(self, callers: list[Any], waits: int) -> None:
        """The first of them asks; while the model speaks for it `waits` seconds pass, and the next one asks."""
        (number, behaviour, die, bound, output), *rest = callers

        def speak(alive: Callable[[], None]) -> Answer:
            request = self.desk.model.asked[-1]
            if behaviour in TROUBLE:
                trouble = TROUBLE[behaviour]()
                raise trouble
            used = self._bill(request, bound, output)
            if behaviour == "lost after billing":
                raise Retryable("broke off")
            if rest:
                self.ask(rest, waits)
            self.desk.clock.advance(waits)
            alive()
            return self._answer(behaviour, used)

        self.desk.model.said.insert(0, speak)
        with contextlib.suppress(Conflict):  # its callers read again; so does the next rule
            self.desk.ask(number, die=die, bound=bound, max_output=16_000, others=MODELS)
        if speak in self.desk.model.said:  # it was not asked: somebody else is at it, or there is no money
            self.desk.model.said.remove(speak)
        self.money_holds()

    def _bill(self, request: Request, bound: int, output: int) -> Usage:
        """An honest bill: no more input than the bound, no more output than was allowed."""
        used = Usage(
            max(1, bound * 2 // 3), cached=bound // 3, written=bound // 5, output=min(output, request.max_output)
        )
        self.billed += published().of(request.model, self.desk.clock.now()).cost(used)
        return used

    def _answer(self, behaviour: str, used: Usage) -> Answer:
        match behaviour:
            case "says no bill":
                return answer(0, 0, reported=False)
            case "bills nonsense":
                return answer(-7, 10**12, cached=10**9)
            case _:
                return answer(used.input, used.output, cached=used.cached, written=used.written)

    @rule(seconds=st.sampled_from([1, 10, 66, 700]))
    def time_passes(self, seconds: int) -> None:
        self.desk.clock.advance(seconds)

    @rule(nano=st.integers(0, NANO // 10))
    def a_person_raises_the_limit(self, nano: int) -> None:
        self.desk.write(LEDGER, "ledger", raise_limit(self.desk.ledger(), nano, 0).model_dump(mode="json"))

    @rule()
    def the_watchdog_looks(self) -> None:
        def slot_of(hold: str) -> Any:
            return keys.step("job", int(hold.split("/")[1]))

        sweep_ledger(self.desk.store, self.desk.clock, LEDGER, slot_of, "lost")

    @invariant()
    def money_holds(self) -> None:
        if not hasattr(self, "desk"):
            return
        ledger = self.desk.ledger()
        assert ledger.spent_nano + ledger.held_nano <= ledger.limit_nano
        assert sum(ledger.parts.values()) == ledger.spent_nano
        assert self.billed <= ledger.spent_nano + ledger.held_nano, "something was billed that nobody counts"

    def teardown(self) -> None:
        """Everybody asks to the end, and the watchdog looks: at rest nothing is held."""
        if not hasattr(self, "desk"):
            return
        self.desk.model.said = []
        for number in range(SLOTS):
            for _ in range(60):
                self.desk.clock.advance(61)
                self.desk.model.said = [
                    lambda _alive: self._answer("answers", self._bill(self.desk.model.asked[-1], 500, 50))
                ]
                outcome = self.desk.ask(number, bound=500, others=MODELS)
                self.money_holds()
                if isinstance(outcome, Stored | Broke):
                    break
            else:
                raise AssertionError(f"slot {number} never ends: {outcome}")
        self.desk.clock.advance(700)
        self.the_watchdog_looks()
        ledger = self.desk.ledger()
        assert ledger.held_nano == 0
        assert self.billed <= ledger.spent_nano <= ledger.limit_nano


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
