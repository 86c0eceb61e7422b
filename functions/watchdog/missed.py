"""Deliveries that GitHub could not hand over: their payloads are fetched and written through the door's own code.

GitHub never delivers again by itself; it keeps failed deliveries for three days
(docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from functions.github_webhook.webhook import Door, take
from shared.domain import keys
from shared.domain.record import ABSENT, Put, Record, replace_of
from shared.errors import PersevereError, Retryable
from shared.ports import Conflict, Deliveries

SWEEP_EVERY_MS = 60_000
OVERLAP_MS = 3_600_000
KEPT_MS = 3 * 24 * 3_600_000
NAME = "deliveries"


def sweep(door: Door, deliveries: Deliveries, every_ms: int = SWEEP_EVERY_MS) -> int:
    """Fetch what was missed since the last sweep that was whole (an hour of overlap); the number of inbounds written.

    Raises Refusal, Retryable; the next sweep then begins where this one did.
    """
    now = door.clock.now()
    key = keys.cursor(NAME)
    mark = door.store.get(key)
    last = int(mark.body["at"]) if mark else now - OVERLAP_MS
    if mark is not None and now - last < every_ms:
        return 0
    whole = int(mark.body.get("whole", last)) if mark else last
    begun = Record(key, "cursor", {"at": now, "whole": whole})
    try:
        door.store.commit(Put(begun, ABSENT if mark is None else replace_of(mark)))
    except Conflict:
        return 0  # another look has begun
    found, left = 0, False
    for row in deliveries.failed(max(whole - OVERLAP_MS, now - KEPT_MS)):
        guid = str(row["guid"])
        if door.store.get(keys.delivery(guid)) is None:
            try:
                found += _take(door, deliveries, row, guid, now)
            except Retryable:
                left = True
    if not left:
        _note_whole(door, begun, mark, now)
    return found


def _note_whole(door: Door, begun: Record, mark: Record | None, now: int) -> None:
    """Everything up to now was fetched. Where another look has begun meanwhile, its own word counts."""
    ours = replace(begun, version=1 if mark is None else mark.version + 1)
    try:
        door.store.commit(Put(replace(ours, body={"at": now, "whole": now}), replace_of(ours)))
    except Conflict:
        return


def _take(door: Door, deliveries: Deliveries, row: Mapping[str, Any], guid: str, now: int) -> int:
    """Raises Retryable where the payload or the table does not come now; one that nobody can read is passed over."""
    try:
        payload = deliveries.payload(int(row["id"]))
    except Retryable:
        raise
    except (KeyError, TypeError, ValueError, PersevereError):
        return 0
    late = max(0, (now - int(row.get("delivered_at_ms") or now)) // 1000)
    answered = take(str(row["event"]), payload, guid, door, {}, late)
    if answered.status >= 500:
        raise Retryable(answered.reason)
    return int(answered.verdict == "stored")
