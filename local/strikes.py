"""Kills runners of a trial, and its host, on purpose, as a machine that is taken away does. Stands before the runners' door.

`PERSEVERE_STRIKE` says when, and nothing but the demo and the chaos test sets it: `step:3` once a build's third answer is
stored and before its runner hears it; `seed:42:10` ten times at moments that the seed chooses: as a request arrives, once
it is answered, or a while after that (in a clone, a set-up, a command). The same seed chooses the same moments. `all:42:10`
strikes the runner, the host, or both at once; who plays the trial starts the host again (`local/trial/stage.py`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from functions.world import world
from shared.domain import keys
from shared.domain.job import JobState
from shared.domain.tickets import Rejected, Session, Ticket, read_session, read_ticket
from shared.errors import NotConfigured
from shared.spill import unpack

VARIABLE = "PERSEVERE_STRIKE"
A_JOB = 3  # after so many lost in a row at one place a person is asked
CHANCE = 0.12
LATER_S = 2.5

Whom = Literal["runner", "host", "both"]
WHO: tuple[Whom, ...] = ("runner", "host", "both")
Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """A request of a runner: of which job and launch, and which one it is (from 0, heartbeats left out)."""

    job: JobState
    launch: int
    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Strike:
    """`before` the request is handled, else `after_s` seconds after it was."""

    before: bool = False
    after_s: float = 0.0
    whom: Whom = "runner"


class Plan(Protocol):
    def at(self, moment: Moment) -> Strike | None: ...


def kills_hosts(text: str) -> bool:
    return text.startswith("all:")


def read_plan(text: str, done: list[dict[str, Any]]) -> Plan:
    """`done` are the strikes before: a host that is started again goes on with its plan. Raises NotConfigured."""
    with suppress(ValueError):
        match text.split(":"):
            case ["step", number]:
                return AtStep(int(number))
            case ["seed" | "all" as kind, seed, most]:
                lives = sum(strike["whom"] != "runner" for strike in done)
                return AtRandom(int(seed), int(most) - len(done), WHO if kind == "all" else WHO[:1], lives)
    raise NotConfigured(f"{VARIABLE} is {text!r}", "it is step:3, seed:42:10 or all:42:10")


class AtStep:
    """Once: the answer is stored, its runner is gone."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = False

    def at(self, moment: Moment) -> Strike | None:
        if self._done or moment.job.kind != "build" or moment.path != f"/v1/steps/{self._number - 1}":
            return None
        self._done = True
        return Strike()


class AtRandom:
    """A pure function of the seed, of which request it is, and of how often the host was killed before (`lives`: its own
    count of requests begins again); only how many are left is counted."""

    def __init__(self, seed: int, most: int, who: tuple[Whom, ...], lives: int) -> None:
        self._seed = seed
        self._left = most
        self._who = who
        self._lives = f" {lives}" if lives else ""
        self._lock = threading.Lock()

    def at(self, moment: Moment) -> Strike | None:
        job = moment.job
        if moment.launch > A_JOB:
            return None
        which = f"{self._seed} {job.kind} {job.purpose} {job.round} {moment.launch} {moment.number}{self._lives}"
        chance = random.Random(which)
        if chance.random() >= CHANCE:
            return None
        with self._lock:
            if self._left <= 0:
                return None
            self._left -= 1
        way = chance.choice(("before", "after", "later"))
        after_s = chance.uniform(0, LATER_S) if way == "later" else 0.0
        return Strike(before=way == "before", after_s=after_s, whom=chance.choice(self._who))


class Striking:
    """The runners' door with somebody beside it who strikes by a plan. What was done is written to `<home>/strikes`."""

    def __init__(self, handler: Handler, plan: Plan, home: Path) -> None:
        self._handler = handler
        self._plan = plan
        self._home = home
        self._seen: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        moment = self._moment(event)
        strike = self._plan.at(moment) if moment else None
        if moment and strike and strike.before:
            self._strike(moment, strike.whom, "as it sends")
            return {"statusCode": 503, "headers": {}, "body": "{}"}
        answer = self._handler(event, context)
        if moment and strike and strike.after_s > 0:
            later = threading.Timer(
                strike.after_s, self._strike, (moment, strike.whom, f"{strike.after_s:.2f} s after")
            )
            later.daemon = True
            later.start()
        elif moment and strike:
            self._strike(moment, strike.whom, "before it hears of")
        return answer

    def _moment(self, event: dict[str, Any]) -> Moment | None:
        """None for heartbeats and for who cannot be told."""
        path, here = str(event.get("rawPath", "")), world()
        if path == "/v1/heartbeat":
            return None
        now = here.clock.now()
        told: Ticket | Session | Rejected
        if path == "/v1/claim":
            told = read_ticket(here.ticket_keys, str(json.loads(event["body"])["ticket"]), now)
        else:
            token = str(event["headers"].get("authorization", "")).removeprefix("Bearer ")
            told = read_session(here.ticket_keys, token, now)
        record = None if isinstance(told, Rejected) else here.store.get(keys.job_state(told.job))
        if record is None:
            return None
        job = JobState.model_validate(unpack(record, here.blobs).body)
        with self._lock:
            number = self._seen.get((job.id, job.launch), 0)
            self._seen[job.id, job.launch] = number + 1
        return Moment(job, job.launch, number, path)

    def _strike(self, moment: Moment, whom: Whom, when: str) -> None:
        job = moment.job
        if whom != "host" and not kill_runner(self._home, f"{job.id}-{moment.launch}"):
            return
        what = f"{job.kind} {job.purpose}".strip()
        victim = {"runner": "", "host": "the host, ", "both": "with the host, "}[whom]
        line = {"job": job.id, "launch": moment.launch, "whom": whom, "what": f"{victim}{what} {when} {moment.path}"}
        with (self._home / "strikes").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if whom != "runner":
            os.kill(os.getpid(), signal.SIGKILL)


def kill_runner(home: Path, task: str) -> bool:
    """SIGKILL to the runner of a task; whether it was there to be killed."""
    directory = home / "tasks" / task
    if (directory / "exit.json").exists():
        return False
    try:
        runner = json.loads((directory / "begun.json").read_text("utf-8"))["runner"]
        os.kill(runner, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, TypeError):
        return False
    return True


def strikes_of(home: Path) -> list[dict[str, Any]]:
    """Whom it hit, in order."""
    try:
        text = (home / "strikes").read_text("utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines()]
