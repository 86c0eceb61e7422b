"""A control plane on a real SQLite store with one approved job, and a runner that speaks to it by Lambda events."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from functions.job_api import handler as door
from functions.world import World, use
from local.blobs import FileBlobs
from local.ids import SystemIds
from local.scripted_model import Line, ScriptedModel
from local.store import SqliteStore
from shared.domain import keys
from shared.domain.issue import IssueState, TakenText
from shared.domain.job import JobState
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.operator import Operator
from shared.domain.people import Person, Repository
from shared.domain.protocol import CheckToRun
from shared.domain.record import ANY, Put, Record
from shared.domain.spec import Criterion, Spec, SpecLimits, SpecRecord, canonical_text, sha256_of
from shared.domain.step import StepState
from shared.domain.tickets import make_ticket
from shared.llm.models import Models
from shared.ports import Model, Token, read_all
from shared.spill import unpack

KEY = b"k" * 32
PK = keys.issue_pk(7, 42)
JOB = "aaaaaaaaa1"
MODEL = "scripted:demo"
OCTOCAT = Person(id=1, login="octocat")
REPOSITORY = Repository(id=7, full_name="octo-org/octo-repo")


class HandClock:
    """A clock that moves when a test says so."""

    def __init__(self, at: int = 1_790_000_000_000) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += int(seconds * 1000)

    def advance(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


class KnownTokens:
    """Gives a token, or refuses as it was told to."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.given: list[tuple[str, int, int]] = []

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        if self.refusal is not None:
            raise self.refusal
        self.given.append((purpose, installation_id, repository_id))
        return Token(f"ghs_{len(self.given)}", 0)


def spec(version: int = 1, criteria: Sequence[Criterion] | None = None) -> Spec:
    check = CheckToRun(run="python -m pytest -q tests/test_sum.py")
    return Spec(
        version=version,
        title="Sums of money",
        goals=("Sums are exact.",),
        criteria=tuple(
            criteria
            or (
                Criterion(id="AC-1", kind="new", text="0.1 + 0.2 is 0.3", check=check),
                Criterion(id="AC-2", kind="keep", text="the tests pass", check=CheckToRun(run="make test")),
            )
        ),
        limits=SpecLimits(nano=5 * NANO, seconds=3600),
        base="b" * 40,
    )


class House:
    """The world of one test; `answers` are lines of a conversation file, or a model of the test's own."""

    def __init__(self, home: Path, answers: Sequence[dict[str, Any]] | Model = (), store: Any = None) -> None:
        self.clock = HandClock()
        self.ids = SystemIds()
        self.store: Any = store or SqliteStore(home / "table.db", self.clock)
        self.blobs = FileBlobs(home / "blobs", self.clock, "http://127.0.0.1:1/blobs", KEY)
        self.tokens = KnownTokens()
        if isinstance(answers, Sequence):
            lines = [Line.model_validate({"for": "build"} | line) for line in answers]
            self.model: Model = ScriptedModel(lines)
        else:
            self.model = answers
        self.world = make_world(
            clock=self.clock,
            ids=self.ids,
            store=self.store,
            blobs=self.blobs,
            tokens=self.tokens,
            models=Models({"scripted": lambda name: self.model}),
            operator=Operator(model=MODEL, models=(MODEL,)),
            ticket_keys=(KEY,),
            github_url="https://github.example",
            api_url="https://api.github.example",
        )
        self.put(keys.issue_state(PK), "issue", issue())
        self.put(keys.spec(PK, 1), "spec", spec_record(spec()))
        self.put(keys.ledger(PK, 1), "ledger", Ledger(limit_nano=5 * NANO, limit_seconds=3600))
        self.put_job()

    def put(self, key: Any, kind: str, body: Any) -> None:
        self.store.commit(Put(Record(key, kind, body.model_dump(mode="json")), ANY))

    def put_job(self, **fields: Any) -> JobState:
        known = {
            "id": JOB,
            "kind": "build",
            "status": "launching",
            "issue": PK,
            "repository": REPOSITORY,
            "installation_id": 99,
            "spec_version": 1,
            "ledger": 1,
            "base": "b" * 40,
            "model": MODEL,
        }
        job = JobState.model_validate(known | fields)
        self.put(keys.job_state(job.id), "job", job)
        return job

    def set_ledger(self, **fields: Any) -> None:
        self.put(keys.ledger(PK, 1), "ledger", self.ledger().model_copy(update=fields))

    def ledger(self) -> Ledger:
        record = self.store.get(keys.ledger(PK, 1))
        assert record is not None
        return Ledger.model_validate(record.body)

    def step(self, number: int, job: str = JOB) -> StepState:
        record = self.store.get(keys.step(job, number))
        assert record is not None
        return StepState.model_validate(unpack(record, self.blobs).body)

    def inbounds(self) -> list[dict[str, Any]]:
        return [record.body for record in read_all(self.store, PK, "INBOUND#")]

    def events(self, job: str = JOB) -> list[dict[str, Any]]:
        return [record.body for record in read_all(self.store, keys.job_pk(job), "EVENT#")]

    def runner(self, job: str = JOB, launch: int = 1, nonce: str = "n" * 20) -> Runner:
        ticket = make_ticket((KEY,), job, launch, self.clock.now())
        return Runner(self, ticket, nonce)


class Runner:
    """Speaks as the real one does: events in, dictionaries out."""

    def __init__(self, house: House, ticket: str, nonce: str) -> None:
        self.house, self.ticket, self.nonce = house, ticket, nonce
        self.token = ""
        self.claimed: dict[str, Any] = {}

    def claim(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        body = {"ticket": self.ticket, "nonce": self.nonce, "protocol": 1, "self_test": {"sandbox": "bwrap"}} | fields
        status, answer = self.send("POST", "/v1/claim", body)
        if status == 200:
            self.claimed, self.token = answer, answer["token"]
        return status, answer

    def put_step(self, number: int, *results: dict[str, Any], **fields: Any) -> tuple[int, dict[str, Any]]:
        return self.send("PUT", f"/v1/steps/{number}", {"results": list(results), **fields})

    def send(
        self, method: str, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        event = {
            "version": "2.0",
            "rawPath": path,
            "headers": {"authorization": f"Bearer {self.token}", "persevere-protocol": "1"} | (headers or {}),
            "requestContext": {"http": {"method": method}},
            "body": body if isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        use(self.house.world)
        try:
            answer = door.handler(event, None)
        finally:
            use(None)
        return answer["statusCode"], json.loads(answer["body"])


def make_world(**ports: Any) -> World:
    """A world with these ports; the others are not there, and touching one is a test's fault."""
    blank: dict[str, Any] = {field.name: None for field in dataclasses.fields(World)}
    return World(**(blank | ports))


def issue(**fields: Any) -> IssueState:
    taken = TakenText(
        title="Sums are wrong", body="0.1 + 0.2 gives 0.30000000000000004", author=OCTOCAT, author_role="write", at=1,
        sha256="0" * 64,
    )  # fmt: skip
    known = {
        "pk": PK,
        "repository": REPOSITORY,
        "installation_id": 99,
        "number": 42,
        "phase": "building",
        "taken": taken,
        "job": JOB,
        "version": 1,
    }
    return IssueState.model_validate(known | fields)


def spec_record(one: Spec) -> SpecRecord:
    return SpecRecord(spec=one, sha256=sha256_of(one), text=canonical_text(one), made_at=1)


def done(reply: dict[str, Any], text: str = "ok", **fields: Any) -> list[dict[str, Any]]:
    """A good result for every call of a reply."""
    return [{"call": call["id"], "status": "ok", "exit": 0, "text": text, **fields} for call in reply["calls"]]


def bash(command: str = "ls", text: str = "") -> dict[str, Any]:
    return {"text": text, "calls": [{"tool": "bash", "args": {"command": command}}]}
