"""Deliveries that GitHub could not hand over are fetched, also after GitHub or the App's key was away for long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.github_webhook.webhook import Door
from functions.watchdog.missed import sweep
from infra.cost import AtRest
from local.ids import SystemIds
from local.store import SqliteStore
from shared.domain.record import Change
from shared.errors import Retryable
from tests.contract.manual_clock import ManualClock
from tests.functions.github_webhook.test_webhook import SECRET, payload, stored

MINUTE_MS, HOUR_MS = 60_000, 3600_000


class Log:
    """GitHub's log of deliveries that failed, and whether it can be asked."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.at, self.away, self.holds_back = clock, dict[int, int](), False, set[int]()
        self.asked = 0

    def fails(self, number: int) -> None:
        self.at[number] = self.clock.now()

    def failed(self, since: int) -> list[Mapping[str, Any]]:
        self.asked += 1
        if self.away:
            raise Retryable("GitHub is away")
        return [
            {"id": number, "guid": f"g-{number}", "event": "issue_comment", "delivered_at_ms": at}
            for number, at in self.at.items()
            if at >= since
        ]

    def payload(self, delivery_id: int) -> Mapping[str, Any]:
        if self.away or delivery_id in self.holds_back:
            raise Retryable("GitHub is away")
        return payload(f"/persevere say {delivery_id}", comment=payload()["comment"] | {"id": delivery_id})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def door(tmp_path: Path, clock: ManualClock) -> Iterator[Door]:
    store = SqliteStore(tmp_path / "door.db", clock)
    yield Door(clock, SystemIds(), store, (SECRET,), 7, "/persevere")
    store.close()


def look(door: Door, log: Log, clock: ManualClock, minutes: int) -> None:
    for _ in range(minutes):
        clock.ms += MINUTE_MS
        try:
            sweep(door, log)
        except Retryable:
            assert log.away


def test_what_an_idle_look_asks_and_writes_is_what_a_month_at_rest_is_counted_from(
    door: Door, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(clock)
    look(door, log, clock, 1)
    written, commit = list[Change](), door.store.commit

    def counted(*changes: Change) -> None:
        written.extend(changes)
        commit(*changes)

    monkeypatch.setattr(door.store, "commit", counted)
    look(door, log, clock, 10)
    assert log.asked == 11
    assert 2 * len(written) / 10 == AtRest().look_writes, "a write in a transaction counts twice"


def test_each_is_taken_once(door: Door, clock: ManualClock) -> None:
    log = Log(clock)
    log.fails(1)
    look(door, log, clock, 5)
    assert [each["delivery"] for each in stored(door)] == ["g-1"]


def test_what_failed_before_github_was_away_for_hours_is_not_forgotten(door: Door, clock: ManualClock) -> None:
    log = Log(clock)
    look(door, log, clock, 1)
    log.away = True
    log.fails(1)
    look(door, log, clock, 5 * 60)
    log.away = False
    look(door, log, clock, 1)
    assert [each["delivery"] for each in stored(door)] == ["g-1"]


def test_one_payload_that_cannot_be_had_for_hours_holds_up_no_other_and_comes_in_the_end(
    door: Door, clock: ManualClock
) -> None:
    log = Log(clock)
    log.fails(1)
    log.holds_back.add(1)
    look(door, log, clock, 3 * 60)
    log.fails(2)
    look(door, log, clock, 1)
    assert [each["delivery"] for each in stored(door)] == ["g-2"]
    log.holds_back.clear()
    look(door, log, clock, 1)
    assert sorted(each["delivery"] for each in stored(door)) == ["g-1", "g-2"]


def test_after_a_whole_sweep_it_looks_back_for_an_hour_again(door: Door, clock: ManualClock) -> None:
    log = Log(clock)
    log.away = True
    look(door, log, clock, 3 * 60)
    log.away = False
    look(door, log, clock, 2)
    log.at[1] = clock.now() - 2 * HOUR_MS
    look(door, log, clock, 1)
    assert stored(door) == []
