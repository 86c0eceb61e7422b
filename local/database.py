"""The SQLite file beneath the store: its schema, its connections, and who waits for whom."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from shared.errors import Final, Retryable

Result = TypeVar("Result")

BUSY_TIMEOUT_S = 5.0
GIVE_UP_AFTER_S = 30.0
"""Another process may hold the write lock this long before a caller is told."""

# Numbered by position, never edited: a change of the schema is a new entry.
MIGRATIONS = (
    """
    CREATE TABLE item (
        pk TEXT NOT NULL, sk TEXT NOT NULL, kind TEXT NOT NULL, v INTEGER NOT NULL, version INTEGER NOT NULL,
        due INTEGER, expires INTEGER, epoch INTEGER, body TEXT NOT NULL, PRIMARY KEY (pk, sk)
    );
    CREATE INDEX item_due ON item (due) WHERE due IS NOT NULL;
    CREATE TABLE change (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, name TEXT NOT NULL,
        pk TEXT NOT NULL, sk TEXT NOT NULL, bytes INTEGER NOT NULL
    );
    CREATE INDEX change_at ON change (at);
    CREATE TABLE reader (name TEXT PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE token (token TEXT PRIMARY KEY, at INTEGER NOT NULL, digest TEXT NOT NULL);
    CREATE INDEX token_at ON token (at);
    """,
)


class Unusable(Retryable):
    """The machine does not let us write: its disk is full, or the place is read-only."""


class Database:
    """One file, any number of threads and processes.

    WAL with `synchronous = FULL`: what was committed survives a killed process and a lost power line. Connections are
    lent to one caller at a time and never cross a fork.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[tuple[int, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never open this file but through SQLite: closing any other handle of it drops all locks that this process has
        # on it (sqlite.org/howtocorrupt.html, 2.2).
        sqlite3.connect(path).close()
        path.chmod(0o600)
        self.run(_migrate)

    def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do `work` with a connection; again, from its beginning, while another process holds the lock.

        `work` must have changed nothing when it raises "locked". Raises Retryable when the lock is held too long;
        Unusable when the disk is full, or the file may not be written; Final when the file is damaged.
        """
        give_up = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                with self._connection() as connection:
                    return work(connection)
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise Unusable(f"the database {self.path.name} cannot be used: {error}", after_s=5) from error
                if time.monotonic() > give_up:
                    raise Retryable(f"the database {self.path.name} was locked for {GIVE_UP_AFTER_S:g} s") from error
                time.sleep(0.01)
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", None) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                advice = "move the file away, or set PERSEVERE_HOME to another directory"
                raise Final(f"{self.path.name} is no intact database: {error}", advice) from error

    def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """`run` inside one IMMEDIATE transaction: no other writer between its reads and its writes."""
        return self.run(lambda connection: _in_transaction(connection, work))

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with self._lock:
            mine = [entry for entry in self._idle if entry[0] == os.getpid()]
            self._idle = [entry for entry in self._idle if entry not in mine]
        for _, connection in mine:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        pid, connection = self._borrow()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._give_back(pid, connection)
            raise
        self._give_back(pid, connection)

    def _give_back(self, pid: int, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._idle.append((pid, connection))

    def _borrow(self) -> tuple[int, sqlite3.Connection]:
        pid = os.getpid()
        with self._lock:
            for index, (owner, connection) in enumerate(self._idle):
                # One that a parent opened stays where it is: behind a fork it may be neither used nor closed
                # (sqlite.org/howtocorrupt.html, 2.6).
                if owner == pid:
                    del self._idle[index]
                    return pid, connection
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return pid, connection


class CommitUnclear(Exception):
    """COMMIT itself failed; the transaction may stand or not."""


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
    except BaseException:
        connection.rollback()
        raise
    try:
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if connection.in_transaction:  # nothing was written: it can be taken back and tried again
            connection.rollback()
            raise
        raise CommitUnclear(str(error)) from error
    return result


def _migrate(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
        return

    def catch_up(connection: sqlite3.Connection) -> None:
        done = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")

    _in_transaction(connection, catch_up)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    # The low byte is the primary code: SQLITE_BUSY_RECOVERY and its like are BUSY too. Python's own errors have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
