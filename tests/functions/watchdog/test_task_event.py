"""What ECS says of a task: news where its launch ended before its runner claimed the job, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.watchdog.task_event import DETAIL_TYPE, ring_task
from local.blobs import FileBlobs
from local.store import SqliteStore
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.ports import read_all
from tests.contract.manual_clock import ManualClock

PK = keys.issue_pk(10, 42)
LOOK = 1_780_000_060_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ring.db", ManualClock())
    store.commit(
        Put(Record(keys.issue_state(PK), "issue", {"job": "job1", "deadlines": {"look": LOOK}}, due=LOOK), ANY),
        Put(Record(keys.job_state("job1"), "job", {"issue": PK, "status": "launching", "launch": 2}), ANY),
    )
    yield store
    store.close()


def ring(store: SqliteStore, tmp_path: Path, **detail: Any) -> int:
    told = {
        "lastStatus": "STOPPED",
        "startedBy": "job1",
        "group": "job1-2",
        "stoppedReason": "CannotPullContainerError",
    }
    blobs = FileBlobs(tmp_path / "blobs", ManualClock(), "http://127.0.0.1", b"k" * 32)
    return ring_task({"detail-type": DETAIL_TYPE, "detail": told | detail}, store, blobs)


def test_a_launch_that_ended_unclaimed_is_told_once_with_its_reason(store: SqliteStore, tmp_path: Path) -> None:
    assert ring(store, tmp_path) == 1
    assert ring(store, tmp_path) == 0
    (inbound,) = read_all(store, PK, "INBOUND#")
    assert inbound.body["data"] == {
        "started_by": "job1",
        "state": "stopped",
        "launch": 2,
        "reason": "CannotPullContainerError",
    }


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"lastStatus": "RUNNING"}, id="it runs"),
        pytest.param({"group": "job1-1"}, id="an earlier launch"),
        pytest.param({"group": "family:other"}, id="not started by us"),
        pytest.param({"startedBy": "job9", "group": "job9-1"}, id="an unknown job"),
        pytest.param({"startedBy": None}, id="started by nobody"),
    ],
)
def test_what_is_no_news_writes_nothing(store: SqliteStore, tmp_path: Path, detail: dict[str, Any]) -> None:
    assert ring(store, tmp_path, **detail) == 0
    assert list(read_all(store, PK, "INBOUND#")) == []


def test_a_claimed_job_is_its_leases_affair(store: SqliteStore, tmp_path: Path) -> None:
    job = Record(keys.job_state("job1"), "job", {"issue": PK, "status": "running", "launch": 2})
    store.commit(Put(job, ANY))
    assert ring(store, tmp_path) == 0


def test_the_clock_is_no_task(store: SqliteStore, tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs", ManualClock(), "http://127.0.0.1", b"k" * 32)
    assert ring_task({"detail-type": "Scheduled Event", "detail": {}}, store, blobs) == 0
