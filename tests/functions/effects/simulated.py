"""The real engine in simulated time, with a seeded scheduler between every call that it makes to the outside.

A process is a thread that may do one outside call whenever the scheduler says so; the scheduler may kill it, freeze it,
fail the call before it lands, or lose the answer after it has landed. The table and GitHub are the ground truth.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from functions.effects.attempt import Outside
from functions.effects.engine import Engine
from functions.effects.performers import PERFORMERS
from shared.domain.effects import FUNCTION_TIMEOUT_S, Effect
from shared.domain.operator import Operator
from shared.domain.record import Record
from shared.errors import Retryable
from shared.github.answers import NoAnswer, ServerTrouble
from shared.github.client import GitHubs
from shared.github.pacing import UNPACED
from shared.github.wire import Answer
from shared.ports import OutcomeUnknown, Page, read_all
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import CountingIds, Machines, MemoryBlobs, OneToken, Planned
from tests.fakes.small_github import APP_ID, SmallGitHub

FAULTS = ("kill_before", "kill_after", "err_before", "timeout_after", "pause")
PAUSE_MS = 40_000
T = TypeVar("T")


class Killed(BaseException):
    """This process is dead; nothing that it still does has any effect."""


class Ended(Exception):
    """The run took too long."""


class Truth:
    """Time, table, GitHub: what survives every process."""

    def __init__(self, lag_ms: int = 10_000) -> None:
        self.ms = 1_780_000_000_000
        self.store = MemoryStore(self)
        self.github = SmallGitHub(self.now, lag_ms)
        self.blobs, self.ids = MemoryBlobs(), CountingIds()
        self.machines, self.planned = Machines(), Planned()

    def now(self) -> int:
        return self.ms

    def wait(self, seconds: float) -> None:
        raise AssertionError("only processes wait")


class Process:
    """One invocation. Its thread runs only between `resume` and the next call to the outside."""

    def __init__(self, run: Simulation, pk: str) -> None:
        self.run, self.truth, self.pk = run, run.truth, pk
        self.dead_at = run.truth.ms + FUNCTION_TIMEOUT_S * 1000
        self.until = run.truth.ms
        self.over = False
        self.killed = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        self._go.acquire()
        try:
            Engine(self._outside(), PERFORMERS).drain([self.pk])
        except Killed:
            pass
        finally:
            self.over = True
            self._back.release()

    def resume(self) -> None:
        """Let the thread run up to its next outside call (or its end)."""
        self._go.release()
        self._back.acquire()

    def kill(self) -> None:
        self.killed = True
        while not self.over:
            self.resume()

    def yield_(self) -> None:
        if self.killed:
            raise Killed
        self._back.release()
        self._go.acquire()
        if self.killed:
            raise Killed

    def call(self, do: Callable[[], T], before: Callable[[], Exception], after: Callable[[], Exception]) -> T:
        """One outside call under the scheduler's fault plan."""
        self.yield_()
        fault = self.run.fault()
        if fault == "pause":
            self.until = self.truth.ms + PAUSE_MS
            self.yield_()
        if fault == "kill_before":
            self.killed = True
            raise Killed
        if fault == "err_before":
            raise before()
        done = do()
        if fault == "kill_after":
            self.killed = True
            raise Killed
        if fault == "timeout_after":
            raise after()
        return done

    def _outside(self) -> Outside:
        truth = self.truth
        clock, store = _Clock(self), _Store(self)
        wire: Any = _Wire(self)
        return Outside(
            store=store,
            clock=clock,
            ids=truth.ids,
            blobs=truth.blobs,
            tasks=truth.machines,
            planner=truth.planned,
            operator=Operator(app_id=APP_ID, app_slug="persevere"),
            githubs=GitHubs(wire, OneToken(), clock, store, UNPACED),
            ticket_keys=(b"k",),
            marker_keys=(b"k",),
            app_id=APP_ID,
        )


class _Clock:
    def __init__(self, process: Process) -> None:
        self._process = process

    def now(self) -> int:
        return self._process.truth.ms

    def wait(self, seconds: float) -> None:
        assert seconds <= 5
        self._process.until = self._process.truth.ms + round(seconds * 1000)
        self._process.yield_()


class _Store:
    def __init__(self, process: Process) -> None:
        self._process, self._store = process, process.truth.store

    def get(self, key: Any) -> Record | None:
        return self._read(lambda: self._store.get(key))

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        return self._read(lambda: self._store.query(pk, prefix, after, limit))

    def due(self, before: int, limit: int = 100) -> Any:
        return self._read(lambda: self._store.due(before, limit))

    def commit(self, *changes: Any, token: str | None = None) -> None:
        def unknown() -> Exception:
            return OutcomeUnknown("no answer from the table")

        self._process.call(lambda: self._store.commit(*changes, token=token), unknown, unknown)

    def _read(self, do: Callable[[], T]) -> T:
        def away() -> Exception:
            return Retryable("the table is away")

        return self._process.call(do, away, away)


class _Wire:
    url = "small:"

    def __init__(self, process: Process) -> None:
        self._process = process

    def send(
        self, method: str, path: str, bearer: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> Answer:
        doubt = method != "GET"
        return self._process.call(
            lambda: self._process.truth.github.send(method, path, bearer, params=params, json=json),
            lambda: ServerTrouble(502, in_doubt=doubt),
            lambda: NoAnswer("no answer in 10 s", in_doubt=doubt),
        )


class Simulation:
    """One run. `plan` is {number of the outside call: fault}; else faults are drawn from the seed within `budget`."""

    def __init__(
        self, truth: Truth, pk: str, *, plan: Mapping[int, str] | None = None, seed: int = 0, budget: int = 0
    ) -> None:
        self.truth, self.pk, self.plan = truth, pk, plan or {}
        self.random, self.budget = random.Random(seed), budget
        self.calls = 0
        self.processes: list[Process] = []

    def fault(self) -> str | None:
        self.calls += 1
        if self.calls in self.plan:
            return self.plan[self.calls]
        if self.budget and self.random.random() < 0.12:
            self.budget -= 1
            return self.random.choice(FAULTS)
        return None

    def open(self) -> list[Record]:
        found = [record for record in read_all(self.truth.store, self.pk, "EFFECT#") if record.kind == "effect"]
        return [record for record in found if Effect.model_validate(record.body).open]

    def go(self, workers: int = 1, limit: int = 20_000) -> Simulation:
        """Until nothing is open: processes are started at once, later by the watchdog for what is due."""
        self.processes = [Process(self, self.pk) for _ in range(workers)]
        rung = self.truth.ms
        try:
            for _ in range(limit):
                now = self.truth.ms
                for process in self.processes:
                    if now >= process.dead_at and not process.over:
                        process.kill()
                self.processes = [process for process in self.processes if not process.over]
                ready = [process for process in self.processes if process.until <= now]
                if ready:
                    self.random.choice(ready).resume()
                    self.truth.ms += 1_000 if self.random.random() < 0.3 else 1
                    continue
                waiting = self.open()
                if not waiting and not self.processes:
                    return self
                if now - rung >= 2_000 and any(record.due is not None and record.due <= now for record in waiting):
                    self.processes.append(Process(self, self.pk))
                    rung = now
                self.truth.ms += 1_000
            raise Ended("an effect is stuck")
        finally:
            for process in self.processes:
                if not process.over:
                    process.kill()
