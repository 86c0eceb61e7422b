"""What lies where in PERSEVERE_HOME."""

from __future__ import annotations

from pathlib import Path

from local.blobs import FileBlobs
from local.clock import SystemClock
from local.store import SqliteStore
from shared.ports import Clock

DATABASE = "persevere.db"
BLOBS = "blobs"


def open_store(home: Path) -> SqliteStore:
    """The table of a local world."""
    return SqliteStore(home / DATABASE, SystemClock())


def open_blobs(home: Path, clock: Clock, url: str, secret: bytes) -> FileBlobs:
    """Its blobs; `url` and `secret` are for those that somebody else may put or read over HTTP."""
    return FileBlobs(home / BLOBS, clock, url, secret)
