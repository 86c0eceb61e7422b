"""A record as an item of the table, and a change as a part of a transaction. Pure, standard library only.

DynamoDB's own JSON is used ({"S": ...}, {"N": ...}), so that the door's light writer and the whole store agree to the
byte. Beside the fields of a record an item has `expires` in seconds, which is what the table's TTL reads (the record's
milliseconds are `expires_ms`), and `shard`, the partition of the index `due` that it is found in.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, assert_never

from shared.domain.record import Absent, Anything, AtEpoch, AtVersion, Change, Check, Delete, Expect, Key, Put, Record

DUE_INDEX = "due"
DUE_SHARDS = 8
TTL = "expires"
"""Attribute of the table's time to live: UTC seconds."""

Item = Mapping[str, Mapping[str, Any]]
"""Attribute values as DynamoDB spells them."""

_OPTIONAL = ("due", "shard", "expires", "expires_ms", "epoch")


def shard_of(pk: str) -> str:
    """The partition of the index that the records of this partition are in while they have a `due`."""
    return f"DUE#{zlib.crc32(pk.encode()) % DUE_SHARDS}"


def shards() -> tuple[str, ...]:
    return tuple(f"DUE#{number}" for number in range(DUE_SHARDS))


def key_item(key: Key) -> dict[str, dict[str, str]]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def record_of(item: Item) -> Record:
    """The record of an item as DynamoDB answers it. Raises KeyError for what we did not write."""
    return Record(
        Key(item["pk"]["S"], item["sk"]["S"]),
        item["kind"]["S"],
        json.loads(item["body"]["S"]),
        int(item["v"]["N"]),
        int(item["version"]["N"]),
        _number(item, "due"),
        _number(item, "expires_ms"),
        _number(item, "epoch"),
    )


def transact_item(change: Change, table: str) -> dict[str, Any]:
    """One entry of TransactWriteItems. A failed expectation is answered with the item as it is (ALL_OLD).

    Where the expectation does not name the version, the put is an update of every attribute: only so can the table
    itself count it. Either way `version` changes, so a put always rings the stream.
    """
    condition, names, values = _condition(change.expect)
    common: dict[str, Any] = {"TableName": table}
    if condition:
        common |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    at = {"Key": key_item(change.key)}
    match change:
        case Put(record, Absent()):
            return {"Put": common | {"Item": _item(record, 1)} | _expressions(names, values)}
        case Put(record, AtVersion(version)):
            return {"Put": common | {"Item": _item(record, version + 1)} | _expressions(names, values)}
        case Put(record):
            update, more_names, more_values = _update(record)
            return {
                "Update": common
                | at
                | {"UpdateExpression": update}
                | _expressions(names | more_names, values | more_values)
            }
        case Delete():
            return {"Delete": common | at | _expressions(names, values)}
        case Check():
            if not condition:  # DynamoDB has no check of nothing
                common |= {"ConditionExpression": "attribute_exists(#pk) OR attribute_not_exists(#pk)"}
                names = {"#pk": "pk"}
            return {"ConditionCheck": common | at | _expressions(names, values)}
        case _:
            assert_never(change)


def _expressions(names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if names:
        found["ExpressionAttributeNames"] = names
    if values:
        found["ExpressionAttributeValues"] = values
    return found


def _condition(expect: Expect) -> tuple[str, dict[str, str], dict[str, Any]]:
    match expect:
        case Absent():
            return "attribute_not_exists(#pk)", {"#pk": "pk"}, {}
        case AtVersion(version):
            return "#version = :expected", {"#version": "version"}, {":expected": {"N": str(version)}}
        case AtEpoch(epoch):
            return "#epoch = :expected", {"#epoch": "epoch"}, {":expected": {"N": str(epoch)}}
        case Anything():
            return "", {}, {}
        case _:
            assert_never(expect)


def _fields(record: Record) -> dict[str, dict[str, str]]:
    """The attributes beside key and version."""
    fields = {
        "kind": {"S": record.kind},
        "v": {"N": str(record.v)},
        "body": {"S": json.dumps(record.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))},
    }
    if record.due is not None:
        fields |= {"due": {"N": str(record.due)}, "shard": {"S": shard_of(record.key.pk)}}
    if record.expires is not None:
        fields |= {TTL: {"N": str(-(-record.expires // 1000))}, "expires_ms": {"N": str(record.expires)}}
    if record.epoch is not None:
        fields["epoch"] = {"N": str(record.epoch)}
    return fields


def _item(record: Record, version: int) -> dict[str, dict[str, str]]:
    return {**key_item(record.key), **_fields(record), "version": {"N": str(version)}}


def _update(record: Record) -> tuple[str, dict[str, str], dict[str, Any]]:
    fields = _fields(record)
    gone = [name for name in _OPTIONAL if name not in fields]
    sets = ", ".join(f"#{name} = :{name}" for name in fields)
    update = f"SET #version = if_not_exists(#version, :zero) + :one, {sets}"
    if gone:
        update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    names = {f"#{name}": name for name in ("version", *fields, *gone)}
    values = {f":{name}": value for name, value in fields.items()}
    return update, names, values | {":zero": {"N": "0"}, ":one": {"N": "1"}}


def _number(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
