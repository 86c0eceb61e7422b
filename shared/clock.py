"""The machine's clock."""

from __future__ import annotations

import time

WAIT_MAX_S = 5.0


class SystemClock:
    """The real `Clock`."""

    def now(self) -> int:
        """UTC milliseconds."""
        return time.time_ns() // 1_000_000

    def wait(self, seconds: float) -> None:
        """Sleep, at most 5 s. Raises ValueError above that: a longer wait is a record's `due`."""
        if seconds > WAIT_MAX_S:
            raise ValueError(f"a wait of {seconds} s; at most {WAIT_MAX_S:g} s are slept, longer waits are a `due`")
        if seconds > 0:
            time.sleep(seconds)
