"""The ledger: money and time are reserved before they are spent. One an approval; `LEDGER#ASK` for asking.

Invariant, at every record: spent + held <= limit. Only `decide` creates a ledger and raises its limit; the gateway
reserves and settles; `job_api` adds container seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from shared.domain.shape import Shape

KEPT_PERCENT = 15  # of money and time, for proof and publishing


class Ledger(Shape):
    """Nano-dollars and seconds. `holds` are reservations by name (`<job>/<step>/<attempt>`); `lost` is the part of
    `spent` that a crash cost; `parts` splits `spent` by what it was for. `read_tokens` are all that models read,
    `cached_tokens` those of them that came from a provider's cache.
    """

    limit_nano: int
    limit_seconds: int
    spent_nano: int = 0
    spent_seconds: float = 0.0
    holds: dict[str, int] = Field(default_factory=dict)
    lost_nano: int = 0
    parts: dict[str, int] = Field(default_factory=dict)
    kept_percent: int = KEPT_PERCENT
    read_tokens: int = 0
    cached_tokens: int = 0

    @property
    def held_nano(self) -> int:
        return sum(self.holds.values())

    @property
    def kept_nano(self) -> int:
        return self.limit_nano * self.kept_percent // 100

    @property
    def kept_seconds(self) -> int:
        return self.limit_seconds * self.kept_percent // 100

    @property
    def left_nano(self) -> int:
        """What can still be reserved by anybody."""
        return self.limit_nano - self.spent_nano - self.held_nano

    @property
    def building_nano(self) -> int:
        """What building may still reserve: the share kept for proof and publishing is not its own."""
        return max(0, self.left_nano - self.kept_nano)

    @property
    def building_seconds(self) -> float:
        return max(0.0, self.limit_seconds - self.spent_seconds - self.kept_seconds)


@dataclass(frozen=True, slots=True)
class OutOfMoney:
    """A reservation that does not fit: what was asked, and what was left for that purpose."""

    asked_nano: int
    left_nano: int


def reserve(ledger: Ledger, hold: str, nano: int, *, from_kept: bool = False) -> Ledger | OutOfMoney:
    """Hold the worst case of one call. `from_kept` lets proof and publishing use their share.

    Raises ValueError for a negative amount or a hold that exists.
    """
    if nano < 0 or hold in ledger.holds:
        raise ValueError(f"cannot hold {nano} as {hold!r}")
    left = ledger.left_nano if from_kept else ledger.building_nano
    if nano > left:
        return OutOfMoney(nano, left)
    return ledger.model_copy(update={"holds": ledger.holds | {hold: nano}})


def settle(ledger: Ledger, hold: str, nano: int, part: str) -> Ledger:
    """Replace a hold by what was really spent, never more than was held. Settling an unknown hold changes nothing."""
    held = ledger.holds.get(hold)
    if held is None:
        return ledger
    spent = min(max(nano, 0), held)
    return ledger.model_copy(
        update={
            "holds": {name: amount for name, amount in ledger.holds.items() if name != hold},
            "spent_nano": ledger.spent_nano + spent,
            "parts": ledger.parts | {part: ledger.parts.get(part, 0) + spent},
        }
    )


def count_tokens(ledger: Ledger, read: int, cached: int) -> Ledger:
    """What an answer's request had, and how much of that a cache gave."""
    return ledger.model_copy(
        update={"read_tokens": ledger.read_tokens + read, "cached_tokens": ledger.cached_tokens + cached}
    )


def settle_lost(ledger: Ledger, hold: str, part: str) -> Ledger:
    """The answer is lost and may have been billed: the hold counts in full."""
    held = ledger.holds.get(hold, 0)
    settled = settle(ledger, hold, held, part)
    return settled.model_copy(update={"lost_nano": settled.lost_nano + held})


def spend_seconds(ledger: Ledger, seconds: float) -> Ledger:
    """Container time that has passed. It may pass the limit by one heartbeat, since a clock cannot be reserved."""
    return ledger.model_copy(update={"spent_seconds": ledger.spent_seconds + max(0.0, seconds)})


def give_seconds_back(ledger: Ledger, seconds: float) -> Ledger:
    """Container time that shall not count after all."""
    return ledger.model_copy(update={"spent_seconds": max(0.0, ledger.spent_seconds - max(0.0, seconds))})


def raise_limit(ledger: Ledger, nano: int, seconds: int) -> Ledger:
    return ledger.model_copy(
        update={"limit_nano": ledger.limit_nano + nano, "limit_seconds": ledger.limit_seconds + seconds}
    )
