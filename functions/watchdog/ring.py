"""Everything that is due: deadlines of issues, leases that ran out, inbounds and effects whose bell nobody heard.

The watchdog decides nothing. It writes inbounds, each under a name that it will find again, so that one passed deadline
is one inbound however often it looks; and it rings again where a record is open and overdue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.domain import keys
from shared.domain.record import ABSENT, AtVersion, Delete, Key, Put, Record, replace_of
from shared.errors import PersevereError
from shared.llm.sweep import slot_of_hold, sweep_ledger
from shared.ports import Blobs, Clock, Conflict, Ids, OutcomeUnknown, Store, Tasks
from shared.spill import SpillingStore, unpack

UNHEARD_MS = 15_000  # an inbound that is open so long after its due was not heard
RING_EVERY_MS = 2_000
BELL = "bell"
BATCH = 100


@dataclass(slots=True)
class Rung:
    """What one look found, for the log and for alarms."""

    deadlines: int = 0
    leases: int = 0
    tasks: int = 0
    inbounds: int = 0
    effects: int = 0
    holds: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(
            self.deadlines or self.leases or self.tasks or self.inbounds or self.effects or self.holds or self.troubles
        )


def ring_due(store: Store, blobs: Blobs, clock: Clock, ids: Ids, tasks: Tasks) -> Rung:
    """One look at everything that is due. One record's trouble does not stop the others; it is counted."""
    rung = Rung()
    now = clock.now()
    for key in _unique(store.due(now, BATCH)):
        try:
            record = store.get(key)
            if record is not None and record.due is not None and record.due <= now:
                _ring(unpack(record, blobs), now, rung, store, blobs, clock, ids, tasks)
        except Conflict:
            continue  # somebody was at it meanwhile, which is all that the bell wants
        except (OutcomeUnknown, PersevereError, ValueError) as error:
            rung.troubles.append(f"{key.pk} {key.sk}: {type(error).__name__}")
    return rung


def _unique(found: Iterable[Key]) -> list[Key]:
    return list(dict.fromkeys(found))


def _ring(
    record: Record, now: int, rung: Rung, store: Store, blobs: Blobs, clock: Clock, ids: Ids, tasks: Tasks
) -> None:
    match record.kind:
        case "issue":
            rung.deadlines += _deadlines(record, now, store, blobs, tasks, rung)
        case "lease":
            rung.leases += _lease(record, store, blobs)
        case "inbound":
            rung.inbounds += _inbound(store.get(record.key), now, store, ids)
        case "effect":
            rung.effects += _effect(record, now, store)
        case "ledger":
            rung.holds += _holds(record, store, blobs, clock, ids)
        case _:
            pass


def _deadlines(record: Record, now: int, store: Store, blobs: Blobs, tasks: Tasks, rung: Rung) -> int:
    deadlines: dict[str, int] = record.body.get("deadlines", {})
    passed = sorted(name for name, at in deadlines.items() if at <= now)
    if not passed:
        return 0
    if "look" in passed:
        rung.tasks += _look(record, deadlines["look"], store, blobs, tasks)
    name = ",".join(f"{each}@{deadlines[each]}" for each in passed)
    return _write(store, record.key.pk, deadlines[passed[0]], f"deadline-{name}", "deadline", {"names": passed})


def _look(record: Record, at: int, store: Store, blobs: Blobs, tasks: Tasks) -> int:
    """A task was asked for and has not reported: if it ended already, that is news."""
    job = record.body.get("job")
    job_record = _job(str(job), store, blobs) if job else None
    if job_record is None or job_record.body.get("status") != "launching":
        return 0
    seen = list(tasks.list(str(job)))
    launch = int(job_record.body.get("launch", 1))
    if len(seen) < launch or any(task.state != "stopped" for task in seen):
        return 0
    return write_task(store, record.key.pk, at, str(job), launch, seen[-1].reason)


def write_task(store: Store, pk: str, at: int, job: str, launch: int, reason: str) -> int:
    """That a launch ended before anybody claimed the job, once: the same for whoever finds out. `at`: its look's time."""
    data = {"started_by": job, "state": "stopped", "launch": launch, "reason": reason or "it ended"}
    return _write(store, pk, at, f"task-{job}-{launch}", "task", data)


def _lease(record: Record, store: Store, blobs: Blobs) -> int:
    body = record.body
    job = _job(str(body.get("job")), store, blobs)
    if job is None or body.get("finished"):
        return 0
    data = {"names": ["lease"], "job": body.get("job"), "epoch": body.get("epoch")}
    name = f"lease-{body.get('job')}-{body.get('epoch')}-{body.get('until')}"
    return _write(store, str(job.body["issue"]), int(body.get("until", 0)), name, "deadline", data)


def _job(job: str, store: Store, blobs: Blobs) -> Record | None:
    record = store.get(keys.job_state(job))
    return None if record is None else unpack(record, blobs)


def _write(store: Store, pk: str, at: int, name: str, kind: str, data: dict[str, Any]) -> int:
    """An inbound under a name of its own; 0 when it stands there or was handled already."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:26]
    key = keys.inbound(pk, at, digest)
    if store.get(key) is not None or store.get(keys.handled(key)) is not None:
        return 0
    body = {"kind": kind, "received": at, "data": data}
    store.commit(Put(Record(key, "inbound", body, due=at), ABSENT))
    return 1


def _inbound(record: Record | None, now: int, store: Store, ids: Ids) -> int:
    """Nobody heard this one: it is put again as it is stored, under a later name, which rings anew."""
    if record is None or record.due is None or now - record.due < UNHEARD_MS:
        return 0
    fresh = Record(keys.inbound(record.key.pk, now, ids.ulid(now)), record.kind, record.body, v=record.v, due=now)
    store.commit(Delete(record.key, AtVersion(record.version)), Put(fresh, ABSENT))
    return 1


def _effect(record: Record, now: int, store: Store) -> int:
    """An effect that waits or was not heard: ring for its issue, at most every other second."""
    key = keys.level_effect(record.key.pk, BELL)
    bell = store.get(key)
    if record.key == key or (bell is not None and now - int(bell.body.get("at", 0)) < RING_EVERY_MS):
        return 0
    body = {"id": BELL, "kind": BELL, "cause": "level", "at": now}
    expect = ABSENT if bell is None else replace_of(bell)
    store.commit(Put(Record(key, "bell", body), expect))
    return 1


def _holds(record: Record, store: Store, blobs: Blobs, clock: Clock, ids: Ids) -> int:
    """Money that was held for a call whose asker died, where nobody asks again: it may have been billed, so it counts."""
    repository, number = keys.issue_of(record.key.pk)
    whole = SpillingStore(store, blobs, f"{repository}/{number}", lambda: ids.ulid(clock.now()))
    part = "asking" if record.key.sk == keys.ASK_LEDGER else "lost"
    lost = sweep_ledger(whole, clock, record.key, lambda hold: slot_of_hold(record.key, hold), part)
    return 1 if lost else 0
