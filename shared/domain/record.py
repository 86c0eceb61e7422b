"""Records, keys and the changes that a transaction is made of. Standard library only: the webhook door uses it.

The table has one shape (`pk, sk, kind, v, version, due, expires, body`); what a body holds is said by the model
of its kind (`issue.py`, `job.py`, ...). `version` counts writes of the item, `v` is the schema version of its body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The primary key of one record. Sort keys are compared as UTF-8 bytes."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Record:
    """One item of the table. `version` is 0 until it was stored; times are UTC milliseconds.

    `epoch` is the fencing number of a lease, kept beside the body so that a store can compare it.
    """

    key: Key
    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    v: int = 1
    version: int = 0
    due: int | None = None
    expires: int | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """Expect that no such item exists."""


@dataclass(frozen=True, slots=True)
class AtVersion:
    """Expect the item with exactly this `version`."""

    version: int


@dataclass(frozen=True, slots=True)
class AtEpoch:
    """Expect the item with exactly this `epoch` (a lease that nobody took since)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Anything:
    """Expect nothing."""


ABSENT = Absent()
ANY = Anything()
Expect = Absent | AtVersion | AtEpoch | Anything


@dataclass(frozen=True, slots=True)
class Put:
    """Write the whole record. The store sets `version` to the stored one plus one (1 for a new item)."""

    record: Record
    expect: Expect

    @property
    def key(self) -> Key:
        return self.record.key


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the item."""

    key: Key
    expect: Expect


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, but fail the transaction when the expectation does not hold."""

    key: Key
    expect: Expect


Change = Put | Delete | Check


def replace_of(record: Record) -> Expect:
    """The expectation under which a record that was read may be written again."""
    return AtVersion(record.version) if record.version else ABSENT
