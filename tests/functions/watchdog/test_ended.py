"""A task that ended is told once, to the issue that waits for it, in the words of ECS and of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from functions.watchdog.ended import task_ended
from local.ids import SystemIds
from local.store import SqliteStore
from local.task_events import stopped_event
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.ports import Task, read_all
from tests.contract.manual_clock import ManualClock

PK = keys.issue_pk(7, 42)
ARN = "arn:aws:ecs:eu-central-1:000000000000:task/persevere/0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "table.db", ManualClock())


def started(store: SqliteStore, task: str, launch: int) -> None:
    link = {"pk": PK, "job": "j1", "task": task, "launch": launch}
    store.commit(Put(Record(keys.task_link("j1"), "link", link), ANY))


def tell(store: SqliteStore, event: dict[str, Any]) -> str:
    return task_ended(store, ManualClock(), SystemIds(), event)


def ecs(**detail: Any) -> dict[str, Any]:
    known = {
        "taskArn": ARN,
        "startedBy": "j1",
        "lastStatus": "STOPPED",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "runner", "lastStatus": "STOPPED", "exitCode": 137}],
    }
    return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": known | detail}


def inbounds(store: SqliteStore) -> list[dict[str, Any]]:
    return [record.body["data"] for record in read_all(store, PK, "INBOUND#")]


@pytest.mark.parametrize(
    ("task", "event", "reason"),
    [
        (ARN, ecs(), "Essential container in task exited (exit 137)"),
        ("j1-2", stopped_event(Task("j1-2", "j1", "stopped", "signal 9")), "the machine ended: signal 9"),
    ],
    ids=["ecs", "one machine"],
)
def test_it_is_told_once(store: SqliteStore, task: str, event: dict[str, Any], reason: str) -> None:
    started(store, task, launch=2)
    assert [tell(store, event) for _ in range(3)] == ["told", "known", "known"]
    assert inbounds(store) == [{"started_by": "j1", "state": "stopped", "launch": 2, "reason": reason}]


@pytest.mark.parametrize(
    "event",
    [ecs(lastStatus="RUNNING"), ecs(taskArn="another"), ecs(startedBy="j9"), ecs(startedBy=None)],
    ids=["it runs", "an earlier launch", "nobody's", "started by a person"],
)
def test_what_is_no_news_is_not_told(store: SqliteStore, event: dict[str, Any]) -> None:
    started(store, ARN, launch=2)
    assert tell(store, event) == "not ours"
    assert inbounds(store) == []


def test_the_next_launch_is_told_by_itself(store: SqliteStore) -> None:
    started(store, ARN, launch=1)
    tell(store, ecs())
    started(store, "another", launch=2)
    assert tell(store, ecs(taskArn="another")) == "told"
    assert {each["launch"] for each in inbounds(store)} == {1, 2}
