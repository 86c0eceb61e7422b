"""Production code as processes that one seeded scheduler switches between, at every call of a port.

A process is a greenlet; it runs until it calls a port. The scheduler chooses who goes on, may let that call fail before
or after its effect, and may kill the process there: no later call of it has any effect. Time passes only when everybody
waits. The same seed and plan give the same run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from greenlet import getcurrent, greenlet

Fault = Literal["kill_before", "kill_after", "fail_before", "fail_after"]
FAULTS: tuple[Fault, ...] = ("kill_before", "kill_after", "fail_before", "fail_after")
STEPS_MAX = 20_000

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone: nothing of it may catch this."""


@dataclass(slots=True, eq=False)
class Process:
    name: str
    glet: greenlet
    wake: int = 0
    dead: bool = False


@dataclass
class Scheduler:
    """`plan` says what goes wrong at the n-th call of a port (from 1); `chance` lets as much more go wrong as `budget`
    has. Also the `Clock` of everything inside.
    """

    seed: int = 0
    plan: Mapping[int, Fault] = field(default_factory=dict)
    budget: int = 0
    chance: float = 0.08
    at: int = 1_790_000_000_000
    calls: int = 0
    killed: int = 0
    processes: list[Process] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._left = self.budget
        self._hub = getcurrent()
        self.quiet = True  # nothing goes wrong, and nobody is switched to, while a test sets the scene

    # --- the clock -----------------------------------------------------------------------------------------

    def now(self) -> int:
        return self.at

    def wait(self, seconds: float) -> None:
        self.sleep(int(seconds * 1000))

    def sleep(self, ms: int) -> None:
        """This process waits; others go on."""
        me = self._me()
        if me is None:
            self.at += ms
            return
        self._check(me)
        me.wake = self.at + ms
        self._hub.switch()
        self._check(me)

    # --- processes -----------------------------------------------------------------------------------------

    def start(self, name: str, work: Callable[[], None], after_ms: int = 0) -> None:
        """A process; one that is killed is started again, as whoever keeps it alive would do."""

        def run() -> None:
            try:
                work()
            except Killed:
                self.killed += 1
                self.start(name, work, after_ms=1_000)

        self.processes.append(Process(name, greenlet(run, parent=self._hub), self.at + after_ms))

    def run(self) -> None:
        """Until every process has come to its end. Raises what a process raised, and AssertionError when none ends."""
        self.quiet = False
        for _ in range(STEPS_MAX):
            self.processes = [each for each in self.processes if not each.glet.dead]
            if not self.processes:
                self.quiet = True
                return
            ready = [each for each in self.processes if each.wake <= self.at]
            if not ready:
                self.at = min(each.wake for each in self.processes)
                continue
            self._random.choice(ready).glet.switch()
        raise AssertionError(f"no end after {STEPS_MAX} switches: {[each.name for each in self.processes]}")

    def _me(self) -> Process | None:
        current = getcurrent()
        return next((each for each in self.processes if each.glet is current), None)

    def _check(self, me: Process) -> None:
        if me.dead:
            raise Killed

    # --- ports ---------------------------------------------------------------------------------------------

    def port(self, name: str, effect: Callable[[], T], failure: Callable[[], BaseException] | None) -> T:
        """One call of a port. `failure` makes what it raises when it fails; None: it can be killed, not fail."""
        me = self._me()
        if me is None or self.quiet:
            return effect()
        self._check(me)
        self.calls += 1
        fault = self._fault()
        if failure is None and fault in ("fail_before", "fail_after"):
            fault = None
        if fault is not None:
            self.log.append(f"{self.calls} {name} {me.name} {fault}")
        if fault == "kill_before":
            self._kill(me)
        if fault == "fail_before" and failure is not None:
            raise failure()
        self._hub.switch()
        result = effect()
        if fault == "kill_after":
            self._kill(me)
        if fault == "fail_after" and failure is not None:
            raise failure()
        return result

    def _fault(self) -> Fault | None:
        if self.calls in self.plan:
            return self.plan[self.calls]
        if self._left and self._random.random() < self.chance:
            self._left -= 1
            return self._random.choice(FAULTS)
        return None

    def _kill(self, me: Process) -> None:
        me.dead = True
        raise Killed
