"""The store's change stream as the handlers see it: batches of DynamoDB stream events, at least once, in order.

Shape: docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, view type KEYS_ONLY. A reader is known by its name; its
place is kept in the database, so a restarted host goes on where it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.store import SqliteStore
from shared.ports import Clock

BATCH_MAX = 10
KEPT_MS = 24 * 3600 * 1000
"""DynamoDB keeps a stream's records for 24 hours; what a reader slept through, the watchdog finds by its `due`."""
SCAN_MAX = 1000

Filter = Callable[[str, str], bool]
"""(event name, sort key) -> whether the reader is rung."""


def rings_conductor(name: str, sk: str) -> bool:
    """A new inbound."""
    return name == "INSERT" and sk.startswith("INBOUND#")


def rings_effects(name: str, sk: str) -> bool:
    """A new effect, or a level effect that is wished again."""
    return sk.startswith("EFFECT#") and (name == "INSERT" or (name == "MODIFY" and sk.startswith("EFFECT#L#")))


@dataclass(frozen=True, slots=True)
class Batch:
    """`event` is what a handler is called with; `last` is the place to remember when it has returned."""

    event: dict[str, Any]
    last: int


class Stream:
    """One reader's view of the changes. A reader is one thread of one process."""

    def __init__(self, store: SqliteStore, clock: Clock, reader: str, wanted: Filter) -> None:
        self._database = store.database
        self._clock = clock
        self.reader = reader
        self._wanted = wanted
        self._place: int | None = None

    def next(self, limit: int = BATCH_MAX) -> Batch | None:
        """The next records behind this reader's place, or None when there are none now.

        The same batch comes again until `done` is called for it, also after a restart: at least once.
        """
        if self._place is None:
            self._place = self._database.run(partial(_place, reader=self.reader))
        while rows := self._database.run(partial(_changes, after=self._place)):
            wanted = [row for row in rows if self._wanted(row[2], row[4])][:limit]
            if wanted:
                return Batch({"Records": [_event(row) for row in wanted]}, wanted[-1][0])
            self._place = rows[-1][0]  # kept in memory only: to pass over them again after a restart costs a read
        return None

    def done(self, batch: Batch) -> None:
        """The handler took this batch; go on behind it. Also forgets changes that are older than a day."""
        oldest = self._clock.now() - KEPT_MS

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO reader (name, seq) VALUES (?, ?)", (self.reader, batch.last))
            connection.execute("DELETE FROM change WHERE at < ?", (oldest,))

        self._database.write(write)
        self._place = batch.last


_ChangeRow = tuple[int, int, str, str, str, int]


def _place(connection: sqlite3.Connection, reader: str) -> int:
    row = connection.execute("SELECT seq FROM reader WHERE name = ?", (reader,)).fetchone()
    return 0 if row is None else int(row[0])


def _changes(connection: sqlite3.Connection, after: int) -> list[_ChangeRow]:
    return connection.execute(
        "SELECT seq, at, name, pk, sk, bytes FROM change WHERE seq > ? ORDER BY seq LIMIT ?", (after, SCAN_MAX)
    ).fetchall()


def _event(row: _ChangeRow) -> dict[str, Any]:
    seq, at, name, pk, sk, size = row
    return {
        "eventID": f"{seq:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": at / 1000,
            "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
            "SequenceNumber": f"{seq:021d}",
            "SizeBytes": size,
            "StreamViewType": "KEYS_ONLY",
        },
        "eventSourceARN": "arn:aws:dynamodb:local:000000000000:table/persevere/stream/local",
    }
