"""What the table of a local world knows, read for people: issues, jobs, money. Nothing here writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from local.store import SqliteStore
from shared.domain import keys
from shared.domain.events import Event
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.record import Key
from shared.domain.spec import SpecRecord
from shared.ports import read_all


@dataclass(frozen=True)
class Money:
    """Nano-dollars. `limit` and `spent` are of the approvals, `asking` is what reading and asking has cost."""

    limit: int = 0
    spent: int = 0
    held: int = 0
    asking: int = 0


def issues(store: SqliteStore) -> list[IssueState]:
    """Every issue of this home. A table in a local file may be scanned; one on AWS is not."""

    def read(connection: sqlite3.Connection) -> list[str]:
        rows = connection.execute("SELECT body FROM item WHERE pk LIKE 'ISSUE#%' AND sk = ? ORDER BY pk", (keys.STATE,))
        return [str(body) for (body,) in rows.fetchall()]

    return [IssueState.model_validate(json.loads(body)) for body in store.database.run(read)]


def issue(store: SqliteStore, repository_id: int, number: int) -> IssueState | None:
    record = store.get(keys.issue_state(keys.issue_pk(repository_id, number)))
    return None if record is None else IssueState.model_validate(record.body)


def job(store: SqliteStore, id: str) -> JobState | None:
    record = store.get(keys.job_state(id))
    return None if record is None else JobState.model_validate(record.body)


def lease(store: SqliteStore, id: str) -> Lease | None:
    record = store.get(keys.job_lease(id))
    return None if record is None else Lease.model_validate(record.body)


def spec(store: SqliteStore, pk: str, version: int) -> SpecRecord | None:
    record = store.get(keys.spec(pk, version))
    return None if record is None else SpecRecord.model_validate(record.body)


def money(store: SqliteStore, pk: str) -> Money:
    """All ledgers of an issue together."""
    limit = spent = held = asking = 0
    for record in read_all(store, pk, "LEDGER#"):
        ledger = Ledger.model_validate(record.body)
        held += ledger.held_nano
        if record.key.sk == keys.ASK_LEDGER:
            asking += ledger.spent_nano
        else:
            limit += ledger.limit_nano
            spent += ledger.spent_nano
    return Money(limit, spent, held, asking)


def events(store: SqliteStore, id: str, after: str | None = None) -> Iterator[tuple[str, Event]]:
    """(cursor, event) of a job, oldest first, behind a cursor."""
    while True:
        page = store.query(keys.job_pk(id), "EVENT#", after)
        for record in page.records:
            yield record.key.sk, Event.model_validate(record.body)
        if page.after is None:
            return
        after = page.after


def open_work(store: SqliteStore, pk: str) -> list[Key]:
    """Inbounds that nobody handled and effects that are not done."""
    found = [record.key for record in read_all(store, pk, "INBOUND#")]
    for record in read_all(store, pk, "EFFECT#"):
        body = record.body
        if record.kind != "effect":
            continue
        level = "#L#" in record.key.sk
        if body.get("done", 0) < body.get("wanted", 0) if level else body.get("state") == "open":
            found.append(record.key)
    return found
