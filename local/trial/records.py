"""What the table of a local world knows, read for people: issues, jobs, money. Nothing here writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.clock import SystemClock
from local.home import DATABASE, open_blobs, open_store
from local.store import SqliteStore
from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.events import Event
from shared.domain.inbound import Inbound
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.record import Key, Record
from shared.domain.spec import SpecRecord
from shared.errors import NotConfigured
from shared.ports import read_all
from shared.spill import unpack


@dataclass(frozen=True)
class Money:
    """Nano-dollars. `limit` and `spent` are of the approvals, `asking` is what reading and asking has cost."""

    limit: int = 0
    spent: int = 0
    held: int = 0
    asking: int = 0


class Table:
    """The table and the blobs of one home. Long texts of a record are in blobs; here they are whole again."""

    def __init__(self, home: Path) -> None:
        """Raises NotConfigured where there is no world."""
        if not (home / DATABASE).is_file():
            raise NotConfigured(f"there is no world in {home}", "set PERSEVERE_HOME, or try `persevere demo --keep`")
        self.store: SqliteStore = open_store(home)
        self._blobs = open_blobs(home, SystemClock(), "", b"nothing is granted by a reader")

    def close(self) -> None:
        self.store.close()

    def _get(self, key: Key) -> Record | None:
        record = self.store.get(key)
        return None if record is None else unpack(record, self._blobs)

    def issues(self) -> list[IssueState]:
        """Every issue of this home. A table in a local file may be scanned; one on AWS is not."""

        def read(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute(
                "SELECT pk FROM item WHERE pk LIKE 'ISSUE#%' AND sk = ? ORDER BY pk", (keys.STATE,)
            )
            return [str(pk) for (pk,) in rows.fetchall()]

        found = (self._get(keys.issue_state(pk)) for pk in self.store.database.run(read))
        return [IssueState.model_validate(record.body) for record in found if record]

    def issue(self, repository_id: int, number: int) -> IssueState | None:
        record = self._get(keys.issue_state(keys.issue_pk(repository_id, number)))
        return None if record is None else IssueState.model_validate(record.body)

    def job(self, job: str) -> JobState | None:
        record = self._get(keys.job_state(job))
        return None if record is None else JobState.model_validate(record.body)

    def lease(self, job: str) -> Lease | None:
        record = self._get(keys.job_lease(job))
        return None if record is None else Lease.model_validate(record.body)

    def spec(self, pk: str, version: int) -> SpecRecord | None:
        record = self._get(keys.spec(pk, version))
        return None if record is None else SpecRecord.model_validate(record.body)

    def money(self, pk: str) -> Money:
        """All ledgers of an issue together."""
        limit = spent = held = asking = 0
        for record in read_all(self.store, pk, "LEDGER#"):
            ledger = Ledger.model_validate(record.body)
            held += ledger.held_nano
            if record.key.sk == keys.ASK_LEDGER:
                asking += ledger.spent_nano
            else:
                limit += ledger.limit_nano
                spent += ledger.spent_nano
        return Money(limit, spent, held, asking)

    def events(self, job: str, after: str | None = None) -> Iterator[tuple[str, Event]]:
        """(cursor, event) of a job, oldest first, behind a cursor."""
        while True:
            page = self.store.query(keys.job_pk(job), "EVENT#", after)
            for record in page.records:
                yield record.key.sk, Event.model_validate(unpack(record, self._blobs).body)
            if page.after is None:
                return
            after = page.after

    def handled(self, pk: str, after: str | None) -> Iterator[tuple[str, Inbound, str]]:
        """(cursor, inbound, outcome) of what the conductor has dealt with, oldest first, behind a cursor."""
        while True:
            page = self.store.query(pk, "HANDLED#", after)
            for record in page.records:
                whole = unpack(record, self._blobs).body
                yield record.key.sk, Inbound.model_validate(whole), str(whole.get("handled_outcome") or "")
            if page.after is None:
                return
            after = page.after

    def open_work(self, pk: str) -> list[Key]:
        """Inbounds that nobody handled and effects that are not done."""
        found = [record.key for record in read_all(self.store, pk, "INBOUND#")]
        effects = (record for record in read_all(self.store, pk, "EFFECT#") if record.kind == "effect")
        return found + [each.key for each in effects if Effect.model_validate(unpack(each, self._blobs).body).open]
