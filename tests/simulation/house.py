"""One approved job, its door, and a provider that knows what it has really billed; three runners at once may come."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from functions.job_api import conversation
from functions.job_api.door import answer
from shared.domain import keys
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.record import Change, Key, Record
from shared.domain.step import StepState
from shared.domain.tickets import make_ticket
from shared.errors import Retryable
from shared.llm.models import Models
from shared.llm.prices import published
from shared.llm.sweep import slot_of_hold, sweep_ledger
from shared.ports import Answer, ModelBusy, OutcomeUnknown, Page, Request, ToolCall, Usage
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import CountingIds
from tests.functions.job_api.house import JOB, KEY, MODEL, PK, House
from tests.simulation.scheduler import Scheduler

OTHER = "anthropic:claude-sonnet-5-5"
LEDGER = keys.ledger(PK, 1)
STEPS = 3  # the last of them hands over


class SimStore:
    """A store whose calls are the scheduler's. After each commit the money is looked at."""

    def __init__(self, sim: Scheduler, look: Callable[[], None]) -> None:
        self.inner, self.sim, self.look = MemoryStore(sim), sim, look

    def get(self, key: Key) -> Record | None:
        return self.sim.port(f"get {key.sk}", lambda: self.inner.get(key), None)

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        return self.sim.port(f"query {prefix}", lambda: self.inner.query(pk, prefix, after, limit), None)

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        return self.inner.due(before, limit)

    def commit(self, *changes: Change, token: str | None = None) -> None:
        def land() -> None:
            self.inner.commit(*changes, token=token)
            self.look()

        self.sim.port(f"commit {changes[0].key.sk}", land, lambda: OutcomeUnknown("no answer of the table"))


class Provider:
    """Bills honestly, tells it in the answer, and keeps the sum. `slow`: how long it takes to speak, in seconds."""

    def __init__(self, sim: Scheduler, asked_again: Callable[[int], None]) -> None:
        self.sim, self.asked_again = sim, asked_again
        self.billed = 0
        self.slow: float = 3.0

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        number = sum(turn["role"] == "assistant" for turn in request.turns)
        self.asked_again(number)

        def speak() -> Answer:
            price = published().of(request.model, self.sim.now())
            size = len(json.dumps(request.turns)) + len(request.system)
            cached = size // 8 if number else 0
            usage = Usage(size // 4, cached=cached, output=min(300, request.max_output))
            self.billed += price.cost(usage)
            for _ in range(int(self.slow)):
                self.sim.sleep(1_000)
                alive()
            call = ToolCall(f"call-{number}", *_said(number))
            return Answer(f"step {number}", (call,), usage, "tools", {"step": number})

        def fails() -> BaseException:
            kinds = (
                Retryable("the connection broke"),
                ModelBusy("busy", 2.0),
                ModelBusy("quota", 9e9, "rate", long=True),
            )
            return kinds[self.sim.calls % 3 if self.sim.log[-1].endswith("fail_before") else 0]

        return self.sim.port(f"model {request.model}", speak, fails)


def _said(number: int) -> tuple[str, dict[str, Any]]:
    if number + 1 >= STEPS:
        return "finish", {"summary": "done"}
    return "bash", {"command": f"echo {number}"}


class SimHouse:
    """`limit` in nano-dollars."""

    def __init__(self, home: Path, sim: Scheduler, limit: int = 5 * NANO) -> None:
        conversation.forget()
        self.sim, self.limit = sim, limit
        self.asked_twice: list[int] = []
        self.store = SimStore(sim, self.look)
        self.model = Provider(sim, self._asked)
        house = House(home, self.model, store=self.store)
        house.set_ledger(limit_nano=limit)
        operator = house.world.operator.model_copy(update={"models": (MODEL, OTHER), "fallbacks": (OTHER,)})
        self.here = dataclasses.replace(
            house.world,
            clock=sim,
            ids=CountingIds(),
            operator=operator,
            models=Models({"scripted": lambda _: self.model, "anthropic": lambda _: self.model}),
        )
        ticket = make_ticket((KEY,), JOB, 1, sim.now())
        claimed = self._send("POST", "/v1/claim", {"ticket": ticket, "nonce": "n" * 20, "protocol": 1}, "")
        self.token = str(claimed[1]["token"])

    def ledger(self) -> Ledger:
        return Ledger.model_validate(self.store.inner.items[LEDGER].body)

    def step(self, number: int) -> StepState | None:
        record = self.store.inner.items.get(keys.step(JOB, number))
        return None if record is None else StepState.model_validate(record.body)

    def look(self) -> None:
        """At every record: nothing is spent that was not there, and nothing was billed that is not counted."""
        record = self.store.inner.items.get(LEDGER)
        if record is None:
            return
        ledger = Ledger.model_validate(record.body)
        assert ledger.spent_nano + ledger.held_nano <= ledger.limit_nano
        if hasattr(self, "model"):
            assert self.model.billed <= ledger.spent_nano + ledger.held_nano

    def _asked(self, number: int) -> None:
        state = self.step(number)
        if state is not None and state.reply is not None:
            self.asked_twice.append(number)

    # --- a runner ------------------------------------------------------------------------------------------

    def runner(self) -> None:
        """From the first step to the end, as a process that knows nothing would; a stored answer is given again."""
        number = 0
        results: list[dict[str, Any]] = []
        while True:
            status, said = self._send("PUT", f"/v1/steps/{number}", {"results": results}, self.token)
            if status == 202:
                self.sim.sleep(int(said["retry_after_ms"]))
            elif status == 503:
                self.sim.sleep(1_000)
            elif status == 409 and said["code"] == "wrong_step":
                number, results = int(said["expected"]), []
            elif status == 402 or said.get("over") or any(call["tool"] == "finish" for call in said.get("calls", ())):
                return
            else:
                assert status == 200, said
                number += 1
                results = [{"call": call["id"], "status": "ok", "exit": 0, "text": "ok"} for call in said["calls"]]

    def _send(self, method: str, path: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        event = {
            "rawPath": path,
            "headers": {"authorization": f"Bearer {token}", "persevere-protocol": "1"},
            "requestContext": {"http": {"method": method}},
            "body": json.dumps(body),
        }
        answered = answer(event, self.here)
        return answered.status, dict(answered.body)

    # --- the end -------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """The watchdog's look at holds whose asker died, once their time has passed."""
        self.sim.at += 3_600_000
        sweep_ledger(self.store, self.sim, LEDGER, lambda hold: slot_of_hold(LEDGER, hold), "lost")

    def violations(self) -> list[str]:
        ledger, found = self.ledger(), []
        if ledger.held_nano:
            found.append(f"held at rest: {dict(ledger.holds)}")
        if self.model.billed > ledger.spent_nano:
            found.append(f"billed {self.model.billed}, spent {ledger.spent_nano}")
        if self.asked_twice:
            found.append(f"asked again although the answer was stored: {self.asked_twice}")
        last = self.step(STEPS - 1)
        over = [each.reply for each in map(self.step, range(STEPS)) if each is not None and each.reply is not None]
        if self.limit >= NANO and not any(each.over for each in over) and (last is None or last.reply is None):
            found.append("the job never came to its end")
        if sum(ledger.parts.values()) != ledger.spent_nano:
            found.append("the parts are not the sum")
        return found
