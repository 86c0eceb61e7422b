"""The watchdog: one passed deadline is one inbound, and a bell that nobody heard is rung again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from functions.watchdog.ring import BELL, UNHEARD_MS, Rung, ring_due
from local.blobs import FileBlobs
from local.ids import SystemIds
from local.store import SqliteStore
from shared.domain import keys
from shared.domain.ledger import Ledger
from shared.domain.record import ABSENT, ANY, Delete, Put, Record
from shared.domain.step import Asking, StepState
from shared.ports import Task, read_all
from tests.contract.manual_clock import ManualClock

PK = keys.issue_pk(10, 42)


class SeenTasks:
    """Tasks that answers what it was given."""

    def __init__(self, *tasks: Task) -> None:
        self.tasks = tasks

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        raise AssertionError("the watchdog starts nothing")

    def stop(self, started_by: str, reason: str) -> None:
        raise AssertionError("the watchdog stops nothing")

    def list(self, started_by: str) -> Sequence[Task]:
        return [task for task in self.tasks if task.started_by == started_by]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ring.db", clock)
    yield store
    store.close()


def look(store: SqliteStore, clock: ManualClock, *tasks: Task) -> Rung:
    blobs = FileBlobs(Path(str(store.database.path)).parent / "blobs", clock, "http://127.0.0.1", b"k" * 32)
    return ring_due(store, blobs, clock, SystemIds(), SeenTasks(*tasks))


def put(store: SqliteStore, record: Record) -> None:
    store.commit(Put(record, ANY))


def issue(now: int, **deadlines: int) -> Record:
    return Record(keys.issue_state(PK), "issue", {"deadlines": deadlines, "job": "j1"}, due=min(deadlines.values()))


def inbounds(store: SqliteStore) -> list[Record]:
    return list(read_all(store, PK, "INBOUND#"))


def test_a_passed_deadline_becomes_one_inbound_however_often_it_is_looked_at(
    store: SqliteStore, clock: ManualClock
) -> None:
    put(store, issue(clock.now(), quiet=clock.now() - 10, sleep=clock.now() + 10_000))
    assert [look(store, clock).deadlines, look(store, clock).deadlines] == [1, 0]
    (inbound,) = inbounds(store)
    assert inbound.body["data"] == {"names": ["quiet"]}


def test_a_handled_deadline_is_not_written_again(store: SqliteStore, clock: ManualClock) -> None:
    put(store, issue(clock.now(), quiet=clock.now() - 10))
    look(store, clock)
    (inbound,) = inbounds(store)
    done = Record(keys.handled(inbound.key), "handled", {})
    store.commit(Delete(inbound.key, ANY), Put(done, ABSENT))
    assert look(store, clock).deadlines == 0
    assert inbounds(store) == []


def test_a_silent_runner_is_reported_to_its_issue_once_for_each_end_of_its_lease(
    store: SqliteStore, clock: ManualClock
) -> None:
    put(store, Record(keys.job_state("j1"), "job", {"issue": PK, "status": "running"}))
    lease = {"job": "j1", "epoch": 3, "until": clock.now() - 1}
    put(store, Record(keys.job_lease("j1"), "lease", lease, due=clock.now() - 1, epoch=3))
    assert [look(store, clock).leases, look(store, clock).leases] == [1, 0]
    assert inbounds(store)[0].body["data"]["names"] == ["lease"]


def test_a_finished_lease_is_no_news(store: SqliteStore, clock: ManualClock) -> None:
    put(store, Record(keys.job_state("j1"), "job", {"issue": PK, "status": "handed_over"}))
    lease = {"job": "j1", "epoch": 1, "until": clock.now() - 1, "finished": True}
    put(store, Record(keys.job_lease("j1"), "lease", lease, due=clock.now() - 1, epoch=1))
    assert look(store, clock).leases == 0


@pytest.mark.parametrize(("state", "found"), [("stopped", 1), ("running", 0), ("starting", 0)])
def test_a_task_that_ended_before_it_claimed_is_news(
    store: SqliteStore, clock: ManualClock, state: str, found: int
) -> None:
    put(store, issue(clock.now(), look=clock.now() - 1))
    put(store, Record(keys.job_state("j1"), "job", {"issue": PK, "status": "launching", "launch": 1}))
    assert look(store, clock, Task("t", "j1", state, "exit 4")).tasks == found


def test_an_inbound_that_nobody_heard_rings_again_and_a_fresh_one_is_left_alone(
    store: SqliteStore, clock: ManualClock
) -> None:
    old = clock.now() - UNHEARD_MS - 1
    put(store, Record(keys.inbound(PK, old, "A" * 26), "inbound", {"kind": "answer"}, due=old))
    put(store, Record(keys.inbound(PK, clock.now(), "B" * 26), "inbound", {"kind": "answer"}, due=clock.now()))
    assert look(store, clock).inbounds == 1
    assert len(inbounds(store)) == 2
    assert all(record.key.sk > keys.inbound(PK, old + 1, "").sk for record in inbounds(store))


def test_an_overdue_effect_rings_its_issue_but_not_in_a_storm(store: SqliteStore, clock: ManualClock) -> None:
    put(store, Record(keys.once_effect(PK, "e1"), "effect", {"id": "e1"}, due=clock.now() - 1))
    assert [look(store, clock).effects, look(store, clock).effects] == [1, 0]
    assert store.get(keys.level_effect(PK, BELL)) is not None


def test_one_broken_record_does_not_keep_the_others_from_being_rung(store: SqliteStore, clock: ManualClock) -> None:
    put(store, Record(keys.job_lease("gone"), "lease", {"job": "gone", "epoch": 1}, due=clock.now() - 5))
    broken = Record(keys.job_state("j9"), "job", {"issue": "NOT-AN-ISSUE", "status": "running"})
    put(store, broken)
    put(store, Record(keys.job_lease("j9"), "lease", {"job": "j9", "until": "soon"}, due=clock.now() - 4))
    put(store, issue(clock.now(), quiet=clock.now() - 10))
    rung = look(store, clock)
    assert rung.deadlines == 1
    assert len(rung.troubles) == 1


def asked(clock: ManualClock, until: int) -> Record:
    state = StepState(step=0, asking=Asking(asker="a", until=until, hold="j1/0/1"))
    return Record(keys.step("j1", 0), "step", state.model_dump(mode="json"))


@pytest.mark.parametrize(("lives", "held"), [(-1, 0), (60_000, 700)])
def test_money_held_by_an_asker_that_died_is_settled_and_a_live_ones_is_left(
    store: SqliteStore, clock: ManualClock, lives: int, held: int
) -> None:
    ledger = Ledger(limit_nano=1000, limit_seconds=60, holds={"j1/0/1": 700})
    key = keys.ledger(PK, 1)
    put(store, Record(key, "ledger", ledger.model_dump(mode="json"), due=clock.now() - 1))
    put(store, asked(clock, clock.now() + lives))
    look(store, clock)
    found = store.get(key)
    assert found is not None
    after = Ledger.model_validate(found.body)
    assert (after.held_nano, after.spent_nano + after.held_nano) == (held, 700)
