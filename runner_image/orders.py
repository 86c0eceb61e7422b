"""What the runner has been told to do, by a heartbeat's answer or by a signal, and what must hear of it at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from runner_image.endings import Leave, Stopped


class Orders:
    """Shared by the work and the threads that hear of orders. The first `stop` counts; it cannot be taken back.

    Not to be called from a signal handler, which may run while the work holds a lock that a kill needs: `__main__` has
    a thread for signals.
    """

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.signalled_at: float | None = None  # by a monotonic clock: the machine is about to be taken away
        self.wrap_up = False
        self.leave: Leave | None = None
        self._inboxes: list[SimpleQueue[Any]] = []
        self._kills: list[Callable[[], None]] = []

    def stop(self, reason: str) -> None:
        """Leave now and keep the work: whatever runs is killed."""
        self.stop_reason = self.stop_reason or reason
        if reason == "signal" and self.signalled_at is None:
            self.signalled_at = time.monotonic()
        self._ring()

    def abandon(self, leave: Leave) -> None:
        """The job is no longer ours: whatever runs is killed and nothing more is said."""
        self.leave = self.leave or leave
        self._ring()

    @property
    def leaving(self) -> bool:
        return self.stop_reason is not None or self.leave is not None

    def check(self) -> None:
        """Raises Leave or Stopped when that is what we were told."""
        if self.leave:
            raise self.leave
        if self.stop_reason:
            raise Stopped(self.stop_reason)

    @contextmanager
    def while_running(self, kill: Callable[[], None]) -> Iterator[None]:
        """`kill` is called when we are told to leave during this; then the block's end raises as `check` does."""
        self._kills.append(kill)
        try:
            self.check()
            yield
        finally:
            self._kills.remove(kill)
        self.check()

    @contextmanager
    def inbox(self, *, leaving: bool = False) -> Iterator[SimpleQueue[Any]]:
        """A queue that gets a None when we are told to leave; for who is `leaving` already, when we are told so again."""
        queue: SimpleQueue[Any] = SimpleQueue()
        self._inboxes.append(queue)
        try:
            if not leaving:
                self.check()
            yield queue
        finally:
            self._inboxes.remove(queue)

    def _ring(self) -> None:
        for kill in list(self._kills):
            kill()
        for queue in list(self._inboxes):
            queue.put(None)
