"""Deliveries that GitHub could not hand over: their payloads are fetched and written through the door's own code.

GitHub never delivers again by itself; it keeps failed deliveries for three days
(docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.github_webhook.webhook import Door, take
from shared.domain import keys
from shared.domain.record import ABSENT, Put, Record, replace_of
from shared.errors import PersevereError
from shared.ports import Conflict, Deliveries

SWEEP_EVERY_MS = 60_000
NAME = "deliveries"


def sweep(door: Door, deliveries: Deliveries, every_ms: int = SWEEP_EVERY_MS) -> int:
    """Fetch what was missed since the last sweep (an hour of overlap); the number of inbounds written."""
    now = door.clock.now()
    key = keys.cursor(NAME)
    mark = door.store.get(key)
    last = int(mark.body["at"]) if mark else now - 3600_000
    if mark is not None and now - last < every_ms:
        return 0
    try:
        expect = ABSENT if mark is None else replace_of(mark)
        door.store.commit(Put(Record(key, "cursor", {"at": now}), expect))
    except Conflict:
        return 0  # another look has begun
    found = 0
    for row in deliveries.failed(last - 3600_000):
        guid = str(row["guid"])
        if door.store.get(keys.delivery(guid)) is None:
            found += _take(door, deliveries, row, guid, now)
    return found


def _take(door: Door, deliveries: Deliveries, row: Mapping[str, Any], guid: str, now: int) -> int:
    try:
        payload = deliveries.payload(int(row["id"]))
    except (KeyError, TypeError, ValueError, PersevereError):
        return 0  # the next sweep looks again, for as long as GitHub keeps it
    late = max(0, (now - int(row.get("delivered_at_ms") or now)) // 1000)
    return int(take(str(row["event"]), payload, guid, door, {}, late).verdict == "stored")
