"""A question of the command line under the day's ceiling, as work on an issue is: set aside first, what is left given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from shared.domain import keys
from shared.domain.ledger import Ledger, settle_lost
from shared.domain.record import ABSENT, ANY, Key, Put, Record, replace_of
from shared.domain.usage import ALL, KEPT_DAYS, Purse, day_of, line_key, room
from shared.domain.workflow.ceilings import no_room_words
from shared.errors import Final
from shared.ports import Conflict, Store, read_all

DAY_MS = 86_400_000
TRIES = 50


@contextmanager
def under_the_day(store: Store, now: int, ledger: Key, limit: int | None) -> Iterator[None]:
    """Inside, what the ledger may spend is set aside; behind it, what it has spent counts. `limit` None: no ceiling.

    Raises Final where it does not fit in the day (UTC) of `now`.
    """
    pk, name = keys.usage_pk(day_of(now), ALL), f"cli-{ledger.pk}"
    _set_aside(store, now, pk, name, _read(store, ledger).left_nano, limit)
    try:
        yield
    finally:
        store.commit(_line(pk, name, _closed(store, ledger).spent_nano, now))


def _set_aside(store: Store, now: int, pk: str, name: str, nano: int, limit: int | None) -> None:
    for _ in range(TRIES):
        key = keys.gate(ALL)
        gate = store.get(key)
        taken = {each.key.sk.removeprefix("JOB#"): int(each.body["nano"]) for each in read_all(store, pk, "JOB#")}
        full = room({"day": Purse("day", pk, limit, taken)}, ("day",), name, nano, now)
        if full is not None:
            raise Final(no_room_words(full), "ask again tomorrow (UTC), or set PERSEVERE_DAY higher")
        passed = Put(Record(key, "gate", {"at": now}), ABSENT if gate is None else replace_of(gate))
        try:
            store.commit(_line(pk, name, nano, now), passed)
        except Conflict:
            continue
        return
    raise Final("the day's account is too busy", "ask again")


def _line(pk: str, name: str, nano: int, now: int) -> Put:
    return Put(Record(line_key(pk, name), "usage", {"nano": nano}, expires=now + KEPT_DAYS * DAY_MS), ANY)


def _closed(store: Store, key: Key) -> Ledger:
    """The ledger once nobody asks any more: who was left in mid-answer (Ctrl-C) may have been billed for it."""
    record = store.get(key)
    assert record is not None
    before = ledger = Ledger.model_validate(record.body)
    for hold in before.holds:
        ledger = settle_lost(ledger, hold, "asking")
    if ledger != before:
        store.commit(Put(replace(record, body=ledger.model_dump(mode="json")), replace_of(record)))
    return ledger


def _read(store: Store, key: Key) -> Ledger:
    record = store.get(key)
    assert record is not None
    return Ledger.model_validate(record.body)
