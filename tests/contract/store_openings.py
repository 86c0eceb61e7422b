"""How each implementation of `Store` is opened, and what other processes do with it in the contract suite.

An opening is a plain function of a place and a clock: it crosses to another process by its name. Opening the same
place again, from anywhere, gives the same table.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import shared.aws.store
from local.clock import SystemClock
from local.store import SqliteStore
from shared.aws.items import DUE_INDEX
from shared.aws.store import DynamoStore
from shared.domain.record import ANY, Key, Put, Record, replace_of
from shared.ports import Clock, Conflict, Store
from tests.emulator import ADDRESS, REGION

Opening = Callable[[Path, Clock], Store]


def open_sqlite(place: Path, clock: Clock) -> Store:
    return SqliteStore(place / "persevere.db", clock)


def open_moto(place: Path, clock: Clock) -> Store:
    return DynamoStore(_table(place, None), REGION, clock)


def open_emulator(place: Path, clock: Clock) -> Store:
    url = os.environ[ADDRESS]
    # AWS is never so slow as an emulator is that shares a busy machine with us.
    with mock.patch.multiple(shared.aws.store, CONNECT_S=60.0, READ_S=60.0):
        return DynamoStore(_table(place, url), REGION, clock, url)


HOLES: Mapping[Opening, Mapping[str, str]] = {
    open_moto: {
        "processes": "moto keeps its tables in this process",
        "token": "moto does not know ClientRequestToken",
        "time": "moto does not know ClientRequestToken",
    },
    open_emulator: {"time": "the emulator's own clock cannot be moved"},
}
"""What an implementation that is not ours lacks of AWS, and so cannot be asked."""


def needs(opening: Opening, what: str) -> None:
    """Skip, with the reason, where that is lacking."""
    if what in (holes := HOLES.get(opening, {})):
        pytest.skip(holes[what])


def _table(place: Path, endpoint: str | None) -> str:
    """The table of a place, made when first opened."""
    import boto3

    name = "t" + hashlib.sha256(str(place).encode()).hexdigest()[:20]
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    with suppress(client.exceptions.ResourceInUseException):
        create_table(client, name)
    return name


def create_table(client: Any, name: str, **more: Any) -> None:
    """As the stack makes it; `tests/infra` holds the template against these names."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "shard", "AttributeType": "S"},
            {"AttributeName": "due", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": DUE_INDEX,
                "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"},
                    {"AttributeName": "due", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        **more,
    )


def count_up(opening: Opening, place: Path, times: int) -> None:
    """Add one to a shared number `times` times, by read and conditional write; beside it one record a success."""
    store = opening(place, SystemClock())
    done = 0
    while done < times:
        number = store.get(Key("P", "NUMBER")) or Record(Key("P", "NUMBER"), "number", {"n": 0})
        following = number.body["n"] + 1
        try:
            store.commit(
                Put(Record(number.key, "number", {"n": following}), replace_of(number)),
                Put(Record(Key("P", f"WON#{following:06d}"), "won", {"by": os.getpid()}), ANY),
            )
        except Conflict:
            continue
        done += 1


def claim_once(opening: Opening, place: Path, names: list[str], won: Any) -> None:
    """Try to be the first at each name; report those that were won."""
    store = opening(place, SystemClock())
    for name in names:
        claim = Record(Key("CLAIM", name), "claim", {"by": os.getpid()})
        try:
            store.commit(Put(claim, replace_of(claim)))
        except Conflict:
            continue
        won.put(name)


def write_pairs(opening: Opening, place: Path, landed: Any) -> None:
    """Until killed: write two records that belong together, then say so."""
    store = opening(place, SystemClock())
    n = (left.body["n"] if (left := store.get(Key("PAIR", "LEFT"))) else 0) + 1
    while True:
        store.commit(
            Put(Record(Key("PAIR", "LEFT"), "half", {"n": n}), ANY),
            Put(Record(Key("PAIR", "RIGHT"), "half", {"n": n, "weight": "x" * 20_000}), ANY),
            Put(Record(Key("LOG", f"{n:09d}"), "line", {}), ANY),
        )
        landed.send(n)
        n += 1
