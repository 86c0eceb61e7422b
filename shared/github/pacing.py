"""Writes to GitHub one after another: a second apart, notifying ones three, over all processes of an installation.

One record an installation (`keys.bucket`) holds the time of the next write. A limit that GitHub spoke moves it for
everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from shared import limits
from shared.domain import keys
from shared.domain.record import Put, Record, replace_of
from shared.errors import Retryable
from shared.github.answers import RateLimited
from shared.ports import Clock, Conflict, OutcomeUnknown, Store

WAIT_MAX_S = 5.0  # of one Clock.wait
TRIES = 20


class Patience:
    """How long one invocation may still sleep, in seconds, and when its last write may begin (UTC ms).

    Longer waits are a record's `due`. A write after `until` could still be under way when somebody else takes over.
    """

    def __init__(self, clock: Clock, seconds: float, until: int | None = None) -> None:
        self._clock = clock
        self.left = seconds
        self._until = until

    def check(self) -> None:
        """Raises RateLimited when it is too late to begin a write."""
        if self._until is not None and self._clock.now() > self._until:
            raise RateLimited("the time of this invocation is up", 0.0, secondary=False)

    def wait(self, seconds: float) -> None:
        """Sleep so long in pieces. Raises RateLimited when there is not so much patience left."""
        if seconds > self.left:
            raise RateLimited(f"the next write is due in {seconds:.0f} s", seconds, secondary=False)
        self.left -= max(0.0, seconds)
        while seconds > 0:
            piece = min(seconds, WAIT_MAX_S)
            self._clock.wait(piece)
            seconds -= piece


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between writes, and between notifying ones. Zero is for a simulator only."""

    write_s: float = limits.WRITE_PACE_S
    notifying_s: float = limits.NOTIFYING_WRITE_PACE_S


PACED = Pace()
UNPACED = Pace(0.0, 0.0)


class Pacing(Protocol):
    def turn(self, patience: Patience, *, notifying: bool) -> None:
        """Wait for our turn to write. Raises RateLimited when that is further away than our patience."""

    def hold(self, after_s: float) -> None:
        """GitHub asked everybody to wait so long."""


class Bucket:
    """Pacing by one record of the table."""

    def __init__(self, store: Store, clock: Clock, installation_id: int, pace: Pace = PACED) -> None:
        self._store = store
        self._clock = clock
        self._key = keys.bucket(installation_id)
        self._pace = pace

    def turn(self, patience: Patience, *, notifying: bool) -> None:
        for _ in range(TRIES):
            record, now = self._read(), self._clock.now()
            at = max(now, int(record.body["next_at"]), int(record.body["notify_at"]) if notifying else 0)
            if (at - now) / 1000 > patience.left:
                raise RateLimited("writes are paced", (at - now) / 1000, secondary=False)
            body = {
                "next_at": at + round(self._pace.write_s * 1000),
                "notify_at": at + round(self._pace.notifying_s * 1000) if notifying else record.body["notify_at"],
            }
            if self._pace == UNPACED or self._write(record, body):
                patience.wait((at - now) / 1000)
                patience.check()
                return
        raise RateLimited("too many writers at once", limits.WRITE_PACE_S, secondary=False)

    def hold(self, after_s: float) -> None:
        for _ in range(TRIES):
            record = self._read()
            next_at = self._clock.now() + round(after_s * 1000)
            if int(record.body["next_at"]) >= next_at or self._write(record, record.body | {"next_at": next_at}):
                return
        raise Retryable("the pacing record is contended", 1.0)

    def _read(self) -> Record:
        return self._store.get(self._key) or Record(self._key, "rate", {"next_at": 0, "notify_at": 0})

    def _write(self, record: Record, body: dict[str, int]) -> bool:
        """Whether it was ours to write. A lost answer counts as no: the turn after it is only a little late."""
        try:
            self._store.commit(Put(replace(record, body=body), replace_of(record)))
        except (Conflict, OutcomeUnknown):
            return False
        return True
