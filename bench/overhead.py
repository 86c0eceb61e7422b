"""What the harness itself costs a step: the whole of `job_api` and the SQLite store, with a model that answers at once.

Every step brings a result of 8 kB. Measured is the time inside the Lambda handler: session, results, fold, render,
reserve, store, settle, events. The commits are durable (`synchronous = FULL`), so most of it is the disk; `disk_ms` says
how much, by two bare commits of the same size beside each step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.domain import keys
from shared.domain.record import ANY, Key, Put, Record

AT = (25, 100, 250, 500)
AROUND = 12  # steps before and behind each mark that its median is taken of
RESULT_BYTES = 8_000
JOB = "bench00001"
PK = keys.issue_pk(1, 1)
# The whole loop of mini-swe-agent 2.4.6 with a scripted model and results of 8 kB, on two virtual CPUs.
PEER = {25: 6.2, 100: 14.6, 250: 29.9}


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds. `cpu` is the processor's part of the median step, `disk` two bare commits beside it, `cold` what a
    process pays once that has to read the conversation from the table first.
    """

    step: int
    median: float
    p95: float
    cpu: float
    disk: float
    cold: float


def measure(at: tuple[int, ...] = AT) -> list[Overhead]:
    """One job from its claim to behind the last mark."""
    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as home, quiet():
        return _measure(Path(home), at)


def _measure(home: Path, at: tuple[int, ...]) -> list[Overhead]:
    from functions import world
    from functions.job_api import conversation

    last = max(at) + AROUND + 1
    here = make_world(home, last)
    world.use(here)
    try:
        token = claim(here)
        taken, cpu, disk, cold = [], [], [], {}
        results: list[dict[str, Any]] = []
        for number in range(last):
            if number in at:
                conversation.forget()
            put = event("PUT", f"/v1/steps/{number}", {"results": results, "tree": f"{number:040d}"}, token)
            began, began_cpu = time.perf_counter(), time.thread_time()
            reply = send(put)
            taken.append((time.perf_counter() - began) * 1000)
            cpu.append((time.thread_time() - began_cpu) * 1000)
            if number in at:
                cold[number] = taken[-1]
            disk.append(two_commits(here.store, number))
            results = [result(call["id"], number) for call in reply["calls"]]
    finally:
        world.use(None)
        here.store.close()
    return [_at(mark, taken, cpu, disk, cold[mark]) for mark in at]


def _at(mark: int, taken: list[float], cpu: list[float], disk: list[float], cold: float) -> Overhead:
    around = [number for number in range(mark - AROUND, mark + AROUND + 1) if number != mark]
    window = sorted(taken[number] for number in around)
    return Overhead(
        step=mark,
        median=statistics.median(window),
        p95=window[int(len(window) * 0.95)],
        cpu=statistics.median(cpu[number] for number in around),
        disk=statistics.median(disk[number] for number in around),
        cold=cold,
    )


def two_commits(store: Any, number: int) -> float:
    """Milliseconds of two commits such as a step makes: its result with a hold, then an answer."""
    big, small = {"text": "x" * RESULT_BYTES}, {"text": "x" * 500}
    began = time.perf_counter()
    for name, body in (("a", big), ("b", small)):
        others = (Put(Record(Key("DISK#1", f"{part}"), "bench", small), ANY) for part in range(3))
        store.commit(Put(Record(Key("DISK#1", f"{number:06d}#{name}"), "bench", body), ANY), *others)
    return (time.perf_counter() - began) * 1000


def result(call: str, number: int) -> dict[str, Any]:
    line = f"tests/test_{number}.py::test_something_{number} PASSED\n"
    text = (line * (RESULT_BYTES // len(line) + 1))[:RESULT_BYTES]
    return {"call": call, "status": "ok", "exit": 0, "text": text, "bytes": RESULT_BYTES}


def run(here: Any, steps: int) -> None:
    """That many steps of the job, through the door of a world that is in use."""
    token = claim(here)
    results: list[dict[str, Any]] = []
    for number in range(steps):
        request = event("PUT", f"/v1/steps/{number}", {"results": results, "tree": f"{number:040d}"}, token)
        results = [result(call["id"], number) for call in send(request)["calls"]]


def with_model(here: Any, model: Any) -> Any:
    """The world with another model in the scripted one's place."""
    from shared.llm.models import Models

    return dataclasses.replace(here, models=Models({"scripted": lambda _: model}))


def claim(here: Any) -> str:
    """The session token of the first launch."""
    return str(claimed(here, launch=1)["token"])


def claimed(here: Any, launch: int) -> dict[str, Any]:
    """What a launch is told at its claim."""
    from shared.domain.tickets import make_ticket

    ticket = make_ticket(here.ticket_keys, JOB, launch, here.clock.now())
    body = {"ticket": ticket, "nonce": f"{launch}" * 20, "protocol": 1}
    return send(event("POST", "/v1/claim", body, ""))


def event(method: str, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    return {
        "rawPath": path,
        "headers": {"authorization": f"Bearer {token}", "persevere-protocol": "1"},
        "requestContext": {"http": {"method": method}},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def send(request: dict[str, Any]) -> dict[str, Any]:
    from functions.job_api.handler import handler

    answer = handler(request, None)
    if answer["statusCode"] != 200:
        raise RuntimeError(f"{request['rawPath']}: {answer['statusCode']} {answer['body']}")
    document: dict[str, Any] = json.loads(answer["body"])
    return document


def make_world(home: Path, steps: int, *, fill: bool = True) -> Any:
    """A world of which the job's door needs little, with one approved job in it (or what `home` has already)."""
    from functions.world import World
    from local.blobs import FileBlobs
    from local.clock import SystemClock
    from local.ids import SystemIds
    from local.scripted_model import Line, ScriptedModel
    from local.store import SqliteStore
    from shared.domain.operator import Operator
    from shared.llm.models import Models

    clock = SystemClock()
    lines = [
        Line.model_validate(
            {
                "for": "build",
                "text": f"Looking at file {number}.",
                "calls": [{"tool": "bash", "args": {"command": f"sed -n {number}p src/module_{number}.py"}}],
                "usage": {"input": 1_500 * (number + 1), "cached": 1_500 * number, "output": 60},
            }
        )
        for number in range(steps)
    ]
    model = ScriptedModel(lines)
    ports: dict[str, Any] = {field.name: None for field in dataclasses.fields(World)}
    ports |= {
        "clock": clock,
        "ids": SystemIds(),
        "store": SqliteStore(home / "persevere.db", clock),
        "blobs": FileBlobs(home / "blobs", clock, "http://127.0.0.1:1/blobs", b"b" * 32),
        "tokens": _Tokens(),
        "models": Models({"scripted": lambda _: model}),
        "operator": Operator(model="scripted:demo"),
        "ticket_keys": (b"t" * 32,),
        "github_url": "http://127.0.0.1:1",
        "api_url": "http://127.0.0.1:1",
    }
    here = World(**ports)
    if fill:
        _fill(here)
    return here


class _Tokens:
    """Nothing is cloned here."""

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Any:
        from shared.ports import Token

        return Token("none", 0)


def _fill(here: Any) -> None:
    from shared.domain.issue import IssueState
    from shared.domain.job import JobState
    from shared.domain.ledger import Ledger
    from shared.domain.money import NANO
    from shared.domain.people import Repository
    from shared.domain.spec import Criterion, Spec, SpecLimits, SpecRecord, canonical_text, sha256_of

    repository = Repository(id=1, full_name="octo-org/octo-repo")
    spec = Spec(
        version=1,
        title="Bench",
        goals=("Nothing changes.",),
        criteria=(Criterion(id="AC-1", kind="person", text="it is fast"),),
        limits=SpecLimits(nano=NANO, seconds=3600),
        base="0" * 40,
    )
    issue = IssueState(pk=PK, repository=repository, installation_id=1, number=1, phase="building", version=1, job=JOB)
    job = JobState(
        id=JOB,
        kind="build",
        status="launching",
        issue=PK,
        repository=repository,
        installation_id=1,
        spec_version=1,
        ledger=1,
        base="0" * 40,
        model="scripted:demo",
    )
    record = SpecRecord(spec=spec, sha256=sha256_of(spec), text=canonical_text(spec), made_at=0)
    ledger = Ledger(limit_nano=10_000 * NANO, limit_seconds=36_000)
    for key, kind, body in (
        (keys.issue_state(PK), "issue", issue),
        (keys.job_state(JOB), "job", job),
        (keys.spec(PK, 1), "spec", record),
        (keys.ledger(PK, 1), "ledger", ledger),
    ):
        here.store.commit(Put(Record(key, kind, body.model_dump(mode="json")), ANY))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The handlers log as they always do, but to nowhere: their logger takes the stream that it finds at import."""
    with contextlib.redirect_stdout(io.StringIO()):
        from functions.job_api import handler as _handler

        assert _handler.logger
        yield
