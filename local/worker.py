"""Somebody who works on a thread of their own while the host is there."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Worker(ABC):
    """`_run` works until `_over` is set, and comes to its end soon after."""

    def __init__(self, name: str) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._over.set()

    def join(self, seconds: float) -> bool:
        """Wait for the work at hand; whether it came to its end. What did not is done again at the next start."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @abstractmethod
    def _run(self) -> None: ...
