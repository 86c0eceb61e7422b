"""How each implementation of `Store` is opened, and what other processes do with it in the contract suite.

An opening is a plain function of a place and a clock: it crosses to another process by its name. Opening the same
place again, from anywhere, gives the same table.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.clock import SystemClock
from local.store import SqliteStore
from shared.domain.record import ANY, Key, Put, Record, replace_of
from shared.ports import Clock, Conflict, Store

Opening = Callable[[Path, Clock], Store]


def open_sqlite(place: Path, clock: Clock) -> Store:
    return SqliteStore(place / "persevere.db", clock)


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
