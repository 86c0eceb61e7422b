"""The webhook door's light writer against the emulator: what it writes the whole store reads, and it refuses alike."""

from __future__ import annotations

from pathlib import Path

import pytest

import shared.aws.signed
from shared.aws.door_store import DoorStore
from shared.aws.secret_values import SecretValues, as_list
from shared.aws.signed import dynamodb, secrets_manager
from shared.aws.store import DynamoStore
from shared.clock import SystemClock
from shared.domain.record import ABSENT, Key, Put, Record
from shared.errors import NotConfigured
from shared.ports import Conflict, OutcomeUnknown
from tests.contract.store_openings import open_emulator
from tests.emulator import REGION

RECORD = Record(Key("P", "A"), "seen", {"text": "\u00e9 \U0001f600", "n": 1}, due=5, expires=1_780_000_000_001)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS is never so slow as an emulator is that shares a busy machine with us."""
    monkeypatch.setattr(shared.aws.signed, "TIMEOUT_S", 60.0)


@pytest.fixture
def whole(running_emulator: str, tmp_path: Path) -> DynamoStore:
    store = open_emulator(tmp_path, SystemClock())
    assert isinstance(store, DynamoStore)
    return store


@pytest.fixture
def door(whole: DynamoStore, running_emulator: str) -> DoorStore:
    return DoorStore(whole._table, dynamodb(REGION, running_emulator), SystemClock())


def test_what_the_door_writes_is_read_by_the_store_and_the_other_way_round(door: DoorStore, whole: DynamoStore) -> None:
    door.commit(Put(RECORD, ABSENT), token="one")
    assert whole.get(RECORD.key) == door.get(RECORD.key)
    found = whole.get(RECORD.key)
    assert found is not None
    assert (found.body, found.version, found.due, found.expires) == (RECORD.body, 1, 5, RECORD.expires)
    assert list(whole.due(5)) == [RECORD.key]
    assert door.get(Key("P", "B")) is None


def test_a_repeated_delivery_is_a_conflict_and_a_repeated_call_is_none(door: DoorStore) -> None:
    door.commit(Put(RECORD, ABSENT), token="one")
    door.commit(Put(RECORD, ABSENT), token="one")
    with pytest.raises(Conflict) as raised:
        door.commit(Put(RECORD, ABSENT), token="two")
    ((index, current),) = raised.value.current
    assert (index, current.body if current else None) == (0, RECORD.body)


def test_a_table_that_does_not_answer_is_an_unknown_outcome(aws_credentials: None) -> None:
    nobody = DoorStore("t", dynamodb(REGION, "http://127.0.0.1:1"), SystemClock())
    with pytest.raises(OutcomeUnknown):
        nobody.commit(Put(RECORD, ABSENT), token="one")


def test_a_secret_is_read_and_what_is_none_names_its_fix(running_emulator: str) -> None:
    import boto3

    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=running_emulator)
    arn = client.create_secret(Name="hook", SecretString='["new", "old"]')["ARN"]
    values = SecretValues(secrets_manager(REGION, running_emulator))
    assert as_list(values.read(arn), "the secret") == (b"new", b"old")
    with pytest.raises(NotConfigured):
        values.read(arn.replace("hook", "none"))
    for wrong in ([], "text", {"a": 1}, [1], [""]):
        with pytest.raises(NotConfigured):
            as_list(wrong, "the secret")
