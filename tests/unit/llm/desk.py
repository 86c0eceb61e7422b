"""A gateway with a model that does what it is told, and a process that can die at any commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.domain import keys
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.protocol import Reply
from shared.domain.provider_words import IS, clock_of, trouble_words
from shared.domain.record import ANY, Change, Key, Put, Record
from shared.domain.step import Asking, StepState
from shared.llm.gateway import Gateway
from shared.llm.models import Models
from shared.llm.slot import Ask, Broke, Slot, Stored, Taken, Wait
from shared.ports import Answer, Request, Usage
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import CountingIds
from tests.functions.job_api.house import HandClock

PK = keys.issue_pk(7, 42)
LEDGER = keys.ledger(PK, 1)
MODEL = "scripted:demo"


class Killed(BaseException):
    """The process is gone: nothing of it catches this."""


@dataclass
class Mortal:
    """The store of a process that dies before or after its n-th commit."""

    store: MemoryStore
    die: tuple[str, int] | None = None
    commits: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, *changes: Change, token: str | None = None) -> None:
        self.commits += 1
        if self.die == ("before", self.commits):
            raise Killed
        self.store.commit(*changes, token=token)
        if self.die == ("after", self.commits):
            raise Killed


@dataclass
class Told:
    """A model whose next behaviours are told: an Answer, an exception to raise, or something to do and return."""

    said: list[Any] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self.asked.append(request)
        what = self.said.pop(0) if self.said else answer()
        if callable(what):
            what = what(alive)
        if isinstance(what, BaseException):
            raise what
        assert isinstance(what, Answer)
        return what


def answer(input_tokens: int = 100, output: int = 50, text: str = "hello", **usage: Any) -> Answer:
    return Answer(text, (), Usage(input_tokens, output=output, **usage), "end", {"id": "x"})


PROVIDERS = ("scripted", "anthropic", "openai", "gemini")


class Desk:
    """One ledger, some slots, and askers that come and go."""

    def __init__(self, limit: int = NANO, model: Told | None = None) -> None:
        self.clock = HandClock()
        self.store = MemoryStore(self.clock)
        self.ids = CountingIds()
        self.model = model or Told()
        self.told: list[str] = []
        self.write(LEDGER, "ledger", Ledger(limit_nano=limit, limit_seconds=3600).model_dump(mode="json"))

    def write(self, key: Key, kind: str, body: dict[str, Any]) -> None:
        self.store.commit(Put(Record(key, kind, body), ANY))

    def ledger(self) -> Ledger:
        return Ledger.model_validate(self.store.items[LEDGER].body)

    def state(self, number: int) -> StepState:
        record = self.store.get(keys.step("job", number))
        return StepState(step=number) if record is None else StepState.model_validate(record.body)

    def ask(
        self,
        number: int = 0,
        *,
        die: tuple[str, int] | None = None,
        bound: int = 1_000,
        sent: int = 0,
        max_output: int = 4_000,
        from_kept: bool = False,
        model: str = MODEL,
        changes: tuple[Change, ...] = (),
        others: tuple[str, ...] = (),
        may_shorten: bool = False,
    ) -> Stored | Wait | Broke | None:
        """One process asks for one slot as the doors do; None when it died."""
        store = Mortal(self.store, die)
        gateway = Gateway(store, self.clock, self.ids, Models(dict.fromkeys(PROVIDERS, lambda _: self.model)))
        key = keys.step("job", number)
        record = store.get(key) or Record(key, "step", StepState(step=number).model_dump(mode="json"))
        state = StepState.model_validate(record.body)
        if state.reply is not None:
            return Stored(state, record)
        waiting = gateway.wait(state)
        if waiting is not None:
            return waiting
        if state.asking is not None and state.asking.model in others:
            model = state.asking.model
        request = Request(model, "system", (), ({"role": "user", "text": "hi"},), max_output)
        asking = Asking(asker="", until=0, hold="")
        ask = Ask(
            request,
            bound,
            sent,
            asking,
            lambda said: Taken(Reply(step=number, text=said.text)),
            changes,
            others=others,
            tell=lambda troubled: self._tell(troubled, model),
            may_shorten=may_shorten,
        )
        slot = Slot(key, "step", LEDGER, f"job/{number}", "build", from_kept)
        try:
            return gateway.ask(slot, state, record, ask)
        except Killed:
            return None

    def _tell(self, troubled: StepState, model: str) -> tuple[Change, ...]:
        assert troubled.asking is not None
        self.told.append(trouble_words(troubled.asking, model))
        return ()

    def said_of(self, cause: str) -> str:
        """How the words for a cause go on behind the provider's name, for one that is out since now."""
        return f"{IS[cause]} since {clock_of(self.clock.now())}"
