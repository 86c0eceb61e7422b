"""The store's change stream, as handlers get it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.store import SqliteStore
from local.stream import KEPT_MS, Stream, rings_conductor, rings_effects
from shared.domain.record import ABSENT, ANY, Check, Delete, Key, Put, Record
from shared.ports import Conflict
from tests.contract.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "db", clock)
    yield store
    store.close()


def put(store: SqliteStore, *sks: str) -> None:
    store.commit(*(Put(Record(Key("P", sk), "thing"), ANY) for sk in sks))


def everything(name: str, sk: str) -> bool:
    return True


def taken(stream: Stream, limit: int = 10) -> list[tuple[str, str]]:
    found = []
    while batch := stream.next(limit):
        assert len(batch.event["Records"]) <= limit
        found += [(each["eventName"], each["dynamodb"]["Keys"]["sk"]["S"]) for each in batch.event["Records"]]
        stream.done(batch)
    return found


def test_each_write_rings_once_in_order_and_a_check_never(store: SqliteStore, clock: ManualClock) -> None:
    put(store, "A", "B")
    put(store, "A")
    store.commit(Check(Key("P", "A"), ANY), Delete(Key("P", "B"), ANY), Delete(Key("P", "NONE"), ANY))
    assert taken(Stream(store, clock, "r", everything), limit=2) == [
        ("INSERT", "A"),
        ("INSERT", "B"),
        ("MODIFY", "A"),
        ("REMOVE", "B"),
    ]


def test_what_did_not_land_and_what_was_repeated_does_not_ring(store: SqliteStore, clock: ManualClock) -> None:
    change = Put(Record(Key("P", "A"), "thing"), ABSENT)
    store.commit(change, token="once")
    store.commit(change, token="once")
    with pytest.raises(Conflict):
        store.commit(Put(Record(Key("P", "B"), "thing"), ANY), change)
    assert taken(Stream(store, clock, "r", everything)) == [("INSERT", "A")]


def test_an_event_has_the_shape_of_dynamodb(store: SqliteStore, clock: ManualClock) -> None:
    put(store, "A")
    batch = Stream(store, clock, "r", everything).next()
    assert batch is not None
    (event,) = batch.event["Records"]
    assert event["eventSource"] == "aws:dynamodb"
    assert event["dynamodb"]["Keys"] == {"pk": {"S": "P"}, "sk": {"S": "A"}}
    assert event["dynamodb"]["StreamViewType"] == "KEYS_ONLY"
    assert event["dynamodb"]["ApproximateCreationDateTime"] == clock.now() / 1000
    assert int(event["dynamodb"]["SequenceNumber"]) == 1


def test_a_batch_comes_again_until_it_is_done_also_after_a_restart(
    store: SqliteStore, clock: ManualClock, tmp_path: Path
) -> None:
    put(store, "A", "B", "C")
    stream = Stream(store, clock, "r", everything)
    first = stream.next(2)
    assert first == stream.next(2)
    again = SqliteStore(tmp_path / "db", clock)
    restarted = Stream(again, clock, "r", everything)
    assert restarted.next(2) == first
    assert first is not None
    restarted.done(first)
    assert taken(Stream(store, clock, "r", everything)) == [("INSERT", "C")]
    assert len(taken(Stream(store, clock, "another", everything))) == 3
    again.close()


def test_a_reader_is_rung_for_its_own_only(store: SqliteStore, clock: ManualClock) -> None:
    put(store, "INBOUND#1", "EFFECT#a", "EFFECT#L#b", "STATE")
    put(store, "INBOUND#1", "EFFECT#a", "EFFECT#L#b", "STATE")
    store.commit(Delete(Key("P", "INBOUND#1"), ANY), Delete(Key("P", "EFFECT#L#b"), ANY))
    put(store, "STATE")
    assert taken(Stream(store, clock, "conductor", rings_conductor)) == [("INSERT", "INBOUND#1")]
    assert taken(Stream(store, clock, "effects", rings_effects)) == [
        ("INSERT", "EFFECT#a"),
        ("INSERT", "EFFECT#L#b"),
        ("MODIFY", "EFFECT#L#b"),
    ]


def test_wanted_changes_are_found_behind_many_that_are_not(store: SqliteStore, clock: ManualClock) -> None:
    for n in range(20):
        put(store, *(f"STATE#{n}#{m}" for m in range(60)))
    put(store, "INBOUND#1")
    stream = Stream(store, clock, "conductor", rings_conductor)
    assert taken(stream) == [("INSERT", "INBOUND#1")]
    put(store, "INBOUND#2")
    assert taken(stream) == [("INSERT", "INBOUND#2")]


def test_changes_are_kept_for_a_day(store: SqliteStore, clock: ManualClock) -> None:
    put(store, "OLD")
    clock.ms += KEPT_MS + 1
    put(store, "NEW")
    stream = Stream(store, clock, "r", everything)
    batch = stream.next(1)
    assert batch is not None
    stream.done(batch)
    assert taken(Stream(store, clock, "late", everything)) == [("INSERT", "NEW")]
