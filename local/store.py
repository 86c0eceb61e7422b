"""The `Store` on one machine: one SQLite file that several processes may use at once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from local.database import CommitUnclear, Database
from shared.domain.record import Absent, Anything, AtEpoch, AtVersion, Change, Check, Delete, Expect, Key, Put, Record
from shared.limits import TRANSACTION_TOKEN_S
from shared.ports import Clock, Conflict, OutcomeUnknown, Page, check_commit

# DynamoDB ends a page of Query at 1 MB (docs: amazondynamodb/latest/developerguide/Query.Pagination.html). So does
# this store, so that a caller who forgets to turn the page is found out here.
PAGE_MAX_BYTES = 1024 * 1024

_READ = "SELECT pk, sk, kind, v, version, due, expires, epoch, body FROM item WHERE pk = ? AND sk = ?"
_QUERY = """
    SELECT pk, sk, kind, v, version, due, expires, epoch, body FROM item
    WHERE pk = ? AND sk >= ? AND sk < ? AND sk > ? ORDER BY sk LIMIT ?
"""


class SqliteStore:
    """`Store` in one file. Its `change` table is the stream (`local/stream.py`)."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.database = Database(path)
        self._clock = clock

    def close(self) -> None:
        """Close what is open; the store may still be used, it opens again."""
        self.database.close()

    def get(self, key: Key) -> Record | None:
        """The record as last committed by anybody."""
        return self.database.run(lambda connection: _read(connection, key))

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        """Records of a partition in byte order of their sort keys, from behind `after`; at most `limit`, or 1 MB."""
        if limit < 1:
            raise ValueError("a page holds at least one record")
        values = (pk, prefix, _behind(prefix), after or "", limit + 1)
        rows = self.database.run(lambda connection: connection.execute(_QUERY, values).fetchall())
        taken: list[Record] = []
        size = 0
        for row in rows[:limit]:
            taken.append(_record(row))
            size += len(row[-1].encode())
            if size >= PAGE_MAX_BYTES:
                break
        return Page(tuple(taken), taken[-1].key.sk if len(taken) < len(rows) else None)

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        """Keys whose `due` is at or before that time, earliest first."""
        rows = self.database.run(
            lambda connection: connection.execute(
                "SELECT pk, sk FROM item WHERE due <= ? ORDER BY due, pk, sk LIMIT ?", (before, limit)
            ).fetchall()
        )
        return [Key(pk, sk) for pk, sk in rows]

    def commit(self, *changes: Change, token: str | None = None) -> None:
        """All or nothing.

        Raises Conflict, TooBig, OutcomeUnknown; Retryable when the file is locked or the disk full, with nothing
        written; ValueError for what can never be a commit, a token of another commit among it.
        """
        check_commit(changes)
        rows = [_row(change.record) if isinstance(change, Put) else None for change in changes]
        now = self._clock.now()

        def write(connection: sqlite3.Connection) -> None:
            if token is not None and _seen(connection, token, changes, rows, now):
                return
            stored = [_read(connection, change.key) for change in changes]
            failed = [
                (index, current)
                for index, (change, current) in enumerate(zip(changes, stored, strict=True))
                if not _holds(change.expect, current)
            ]
            if failed:
                raise Conflict(failed)
            for change, row, current in zip(changes, rows, stored, strict=True):
                _apply(connection, change, row, current, now)

        try:
            self.database.write(write)
        except CommitUnclear as error:
            raise OutcomeUnknown(f"the database did not say whether the commit landed: {error}") from error


def _holds(expect: Expect, current: Record | None) -> bool:
    match expect:
        case Absent():
            return current is None
        case AtVersion(version):
            return current is not None and current.version == version
        case AtEpoch(epoch):
            return current is not None and current.epoch == epoch
        case Anything():
            return True
        case _:
            assert_never(expect)


_Row = tuple[str, str, str, int, int | None, int | None, int | None, str]


def _row(record: Record) -> _Row:
    body = json.dumps(record.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return record.key.pk, record.key.sk, record.kind, record.v, record.due, record.expires, record.epoch, body


def _record(row: tuple[str, str, str, int, int, int | None, int | None, int | None, str]) -> Record:
    pk, sk, kind, v, version, due, expires, epoch, body = row
    return Record(Key(pk, sk), kind, json.loads(body), v, version, due, expires, epoch)


def _read(connection: sqlite3.Connection, key: Key) -> Record | None:
    row = connection.execute(_READ, (key.pk, key.sk)).fetchone()
    return None if row is None else _record(row)


def _apply(connection: sqlite3.Connection, change: Change, row: _Row | None, current: Record | None, now: int) -> None:
    match change:
        case Check():
            return
        case Delete():
            if current is None:
                return
            connection.execute("DELETE FROM item WHERE pk = ? AND sk = ?", (change.key.pk, change.key.sk))
            _ring(connection, "REMOVE", change.key, 0, now)
        case Put():
            assert row is not None
            version = 1 if current is None else current.version + 1
            connection.execute(
                "INSERT OR REPLACE INTO item (pk, sk, kind, v, due, expires, epoch, body, version)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, version),
            )
            _ring(connection, "INSERT" if current is None else "MODIFY", change.key, len(row[-1]), now)
        case _:
            assert_never(change)


def _ring(connection: sqlite3.Connection, name: str, key: Key, size: int, now: int) -> None:
    connection.execute(
        "INSERT INTO change (at, name, pk, sk, bytes) VALUES (?, ?, ?, ?, ?)", (now, name, key.pk, key.sk, size)
    )


def _seen(
    connection: sqlite3.Connection, token: str, changes: Sequence[Change], rows: Sequence[_Row | None], now: int
) -> bool:
    """Whether this very commit landed within the last ten minutes; remembers it if not.

    Raises ValueError for a token that another commit used (DynamoDB: IdempotentParameterMismatchException).
    """
    digest = hashlib.sha256(
        repr([(type(c).__name__, c.key, c.expect) for c in changes] + list(rows)).encode()
    ).hexdigest()
    connection.execute("DELETE FROM token WHERE at <= ?", (now - TRANSACTION_TOKEN_S * 1000,))
    found = connection.execute("SELECT digest FROM token WHERE token = ?", (token,)).fetchone()
    if found is None:
        connection.execute("INSERT INTO token (token, at, digest) VALUES (?, ?, ?)", (token, now, digest))
        return False
    if found[0] != digest:
        raise ValueError(f"the token {token} was used for another commit within the last ten minutes")
    return True


def _behind(prefix: str) -> str | bytes:
    """The least value that sorts behind every text with this prefix.

    UTF-8 keeps the order of code points; the surrogates among them are no characters. Where no text is great enough
    it is the empty blob: SQLite sorts every blob behind every text.
    """
    for index in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[index]) + 1
        if 0xD800 <= point <= 0xDFFF:
            point = 0xE000
        if point <= sys.maxunicode:
            return prefix[:index] + chr(point)
    return b""
