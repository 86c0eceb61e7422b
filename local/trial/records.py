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
from shared.domain.issue import IssueState, JobLine
from shared.domain.job import TERMINAL, JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.protocol import Observation
from shared.domain.record import Key, Record
from shared.domain.spec import SpecRecord
from shared.domain.step import StepState
from shared.errors import Final
from shared.ports import read_all
from shared.spill import unpack


@dataclass(frozen=True)
class Money:
    """Nano-dollars. `limit` and `spent` are of the approvals, `asking` is what reading and asking has cost; `read` are tokens
    that models read for the approvals, `cached` those of them that came from a cache.
    """

    limit: int = 0
    spent: int = 0
    held: int = 0
    asking: int = 0
    read: int = 0
    cached: int = 0


class Table:
    """The table and the blobs of one home. Long texts of a record are in blobs; here they are whole again."""

    def __init__(self, home: Path) -> None:
        """Raises Final where nothing has run yet."""
        if not (home / DATABASE).is_file():
            raise Final(
                f"nothing has run in {home} yet",
                "`persevere up` begins there; to look at the demo: `persevere demo --keep`, then set "
                "PERSEVERE_HOME=.demo/home",
            )
        self.store: SqliteStore = open_store(home)
        self._blobs = open_blobs(home, SystemClock(), "", b"nothing is granted by a reader")

    def close(self) -> None:
        self.store.close()

    def _get(self, key: Key) -> Record | None:
        record = self.store.get(key)
        return None if record is None else unpack(record, self._blobs)

    def whole(self, record: Record) -> Record:
        """A record that was read from `store`, with its long texts."""
        return unpack(record, self._blobs)

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

    def line_now(self, line: JobLine) -> JobLine:
        """A row of an issue's jobs as it stands: the issue itself is told of steps and time when a machine ends."""
        if line.status in TERMINAL:
            return line
        steps = sum(each.answered for each in self.steps(line.id))
        lease = self.lease(line.id)
        seconds = _worked(lease, SystemClock().now()) if lease else 0.0
        return line.model_copy(update={"steps": max(line.steps, steps), "seconds": max(line.seconds, seconds)})

    def ledgers(self, pk: str) -> list[tuple[str, Ledger]]:
        """(name, ledger): `ASK` for asking, the number of the approval for the others."""
        return [
            (record.key.sk.removeprefix("LEDGER#"), Ledger.model_validate(record.body))
            for record in read_all(self.store, pk, "LEDGER#")
        ]

    def steps(self, job: str) -> Iterator[StepState]:
        """What was said in a job, with long texts whole, oldest first."""
        for record in read_all(self.store, keys.job_pk(job), "STEP#"):
            yield StepState.model_validate(unpack(record, self._blobs).body)

    def plans(self, pk: str) -> Iterator[StepState]:
        """What the planner of an issue was asked and answered, in the order in which it was asked."""
        found = [
            StepState.model_validate(unpack(record, self._blobs).body)
            for record in read_all(self.store, pk, "PLAN#")
            if record.kind == "plan_call"
        ]
        yield from sorted(found, key=lambda each: each.asking.asker if each.asking else "")

    def observations(self, job: str) -> list[Observation]:
        """What a proof saw, criterion by criterion and side by side."""
        return [
            Observation.model_validate(unpack(record, self._blobs).body)
            for record in read_all(self.store, keys.job_pk(job), "EVIDENCE#")
        ]

    def blob(self, key: str) -> bytes:
        """Raises BlobMissing, BlobDamaged."""
        return self._blobs.get(key)

    def questions(self) -> list[tuple[str, str, StepState]]:
        """(partition, kind, state) of everything that a model was asked in this home. A table in a local file may be
        scanned; one on AWS is not.
        """

        def read(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            rows = connection.execute("SELECT pk, sk FROM item WHERE kind IN ('step', 'plan_call', 'asked')")
            return [(str(pk), str(sk)) for pk, sk in rows.fetchall()]

        found = ((pk, self._get(Key(pk, sk))) for pk, sk in self.store.database.run(read))
        return [(pk, each.kind, StepState.model_validate(each.body)) for pk, each in found if each]

    def lost_nano(self) -> int:
        """Nano-dollars of answers that never came and may have been billed: for issues, and for `persevere ask`."""

        def read(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            rows = connection.execute("SELECT pk, sk FROM item WHERE kind IN ('ledger', 'ask_ledger')")
            return [(str(pk), str(sk)) for pk, sk in rows.fetchall()]

        found = (self._get(Key(pk, sk)) for pk, sk in self.store.database.run(read))
        return sum(Ledger.model_validate(each.body).lost_nano for each in found if each)

    def spec(self, pk: str, version: int) -> SpecRecord | None:
        record = self._get(keys.spec(pk, version))
        return None if record is None else SpecRecord.model_validate(record.body)

    def money(self, pk: str) -> Money:
        """All ledgers of an issue together."""
        limit = spent = held = asking = read = cached = 0
        for record in read_all(self.store, pk, "LEDGER#"):
            ledger = Ledger.model_validate(record.body)
            held += ledger.held_nano
            if record.key.sk == keys.ASK_LEDGER:
                asking += ledger.spent_nano
            else:
                limit += ledger.limit_nano
                spent += ledger.spent_nano
                read += ledger.read_tokens
                cached += ledger.cached_tokens
        return Money(limit, spent, held, asking, read, cached)

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


def _worked(lease: Lease, now: int) -> float:
    """Seconds of all its machines. The last one says how long it has worked with its heartbeats only, so until the next
    one its lease is taken for it, as long as that holds.
    """
    since_claim = (min(now, lease.until) - lease.claimed_at) / 1000 if lease.claimed_at and not lease.finished else 0.0
    return lease.seconds_before + max(lease.seconds, since_claim)
