"""One machine's clock is the machine's."""

from shared.clock import WAIT_MAX_S, SystemClock

__all__ = ["WAIT_MAX_S", "SystemClock"]
