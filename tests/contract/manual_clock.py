"""A clock that a test moves."""

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Stands still until it is told; a wait moves it."""

    ms: int = 1_780_000_000_000

    def now(self) -> int:
        return self.ms

    def wait(self, seconds: float) -> None:
        if seconds > 5:
            raise ValueError("at most 5 s a call")
        self.ms += int(seconds * 1000)
