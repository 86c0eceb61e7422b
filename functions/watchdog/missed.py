"""Deliveries that GitHub could not hand over: their payloads are fetched and written through the door's own code.

GitHub never delivers again by itself; it keeps failed deliveries for three days
(docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries).
"""

from __future__ import annotations

from functions.github_webhook.webhook import Door, take
from shared.domain import keys
from shared.domain.record import ABSENT, Expect, Put, Record, replace_of
from shared.errors import PersevereError
from shared.ports import Conflict, Deliveries

SWEEP_EVERY_MS = 60_000
OVERLAP_MS = 3600_000
KEPT_MS = 3 * 24 * 3600_000
NAME = "deliveries"


def sweep(door: Door, deliveries: Deliveries, every_ms: int = SWEEP_EVERY_MS) -> int:
    """Fetch what was missed since the last whole sweep (an hour of overlap); the number of inbounds written.

    While GitHub or the App's key is away, the mark's `since` stays at the last whole one, for as long as GitHub keeps
    deliveries. Raises what `deliveries.failed` raises.
    """
    now = door.clock.now()
    key = keys.cursor(NAME)
    mark = door.store.get(key)
    last = int(mark.body["at"]) if mark else now - OVERLAP_MS
    if mark is not None and now - last < every_ms:
        return 0
    since = max(int(mark.body.get("since", last)) if mark else last, now - KEPT_MS)
    behind = mark is not None and "since" in mark.body
    if not _mark(door, ABSENT if mark is None else replace_of(mark), now, since if behind else None):
        return 0  # another look has begun
    try:
        found, whole = _fetch(door, deliveries, since - OVERLAP_MS, now)
    except PersevereError:
        _leave_behind(door, now, since)
        raise
    if not whole:
        _leave_behind(door, now, since)
    elif behind:
        _leave_behind(door, now, None)
    return found


def _mark(door: Door, expect: Expect, now: int, since: int | None) -> bool:
    body = {"at": now} if since is None else {"at": now, "since": since}
    try:
        door.store.commit(Put(Record(keys.cursor(NAME), "cursor", body), expect))
    except Conflict:
        return False
    return True


def _leave_behind(door: Door, now: int, since: int | None) -> None:
    """Note it on our own mark; whoever began another look meanwhile has a mark of their own."""
    mine = door.store.get(keys.cursor(NAME))
    if mine is not None and mine.body["at"] == now:
        _mark(door, replace_of(mine), now, since)


def _fetch(door: Door, deliveries: Deliveries, since: int, now: int) -> tuple[int, bool]:
    """(inbounds written, whether every payload could be had)."""
    found, whole = 0, True
    for row in deliveries.failed(since):
        guid = str(row["guid"])
        if door.store.get(keys.delivery(guid)) is None:
            try:
                payload = deliveries.payload(int(row["id"]))
            except PersevereError:
                whole = False
                continue
            except (KeyError, TypeError, ValueError):
                continue  # GitHub shows no payload of it
            late = max(0, (now - int(row.get("delivered_at_ms") or now)) // 1000)
            found += take(str(row["event"]), payload, guid, door, {}, late).verdict == "stored"
    return found, whole
