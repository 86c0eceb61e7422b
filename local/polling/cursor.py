"""How far a repository was read, kept in the table: what was heard before a restart is not heard again, and nothing
between is lost.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from shared.domain import keys
from shared.domain.record import ABSENT, Key, Put, Record, replace_of
from shared.domain.shape import Shape
from shared.github.changes import Kind
from shared.ports import Store

OVERLAP_MS = 60_000
"""Read again so much: GitHub's lists show some things seconds late. What was heard already is known by its id."""


class Reached(Shape):
    """One list: everything up to `since` (UTC ms) was heard. `etag` names the list as it was then."""

    since: int
    etag: str = ""


class Seen(Shape):
    """A pull request of ours as it was read last."""

    head: str
    updated_at: str


class Cursor(Shape):
    """One repository."""

    reached: dict[Kind, Reached] = Field(default_factory=dict)
    pulls: dict[str, Seen] = Field(default_factory=dict)


def _key(repository_id: int) -> Key:
    return keys.cursor(f"poll:{repository_id}")


def load(store: Store, repository_id: int) -> tuple[Cursor, Record]:
    """The cursor and its record (version 0 where it was never written)."""
    record = store.get(_key(repository_id))
    if record is None:
        return Cursor(), Record(_key(repository_id), "cursor", {})
    return Cursor.model_validate(record.body), record


def save(store: Store, record: Record, cursor: Cursor) -> None:
    """Raises Conflict where somebody else moved it: they have heard what we have."""
    body = cursor.model_dump(mode="json")
    if body != record.body:
        expect = replace_of(record) if record.version else ABSENT
        store.commit(Put(replace(record, body=body), expect))


def moved_on(reached: Reached, newest: int, etag: str) -> Reached:
    """After everything up to `newest` was heard. The moment only moves forward; an etag is for one moment."""
    since = max(reached.since, newest - OVERLAP_MS)
    return Reached(since=since, etag=etag if since == reached.since else "")
