"""Money in integer nano-dollars, time in whole seconds; how both are written for people and read from them."""

from __future__ import annotations

import math
import re

NANO = 1_000_000_000

_DOLLARS = re.compile(r"^\+?(?:\$(\d{1,6})(?:\.(\d{1,2}))?|(\d{1,6})(?:\.(\d{1,2}))?\$)$")
_TIME = re.compile(r"^\+?(\d{1,4})\s?(m|min|mins|minutes|h|hour|hours)$", re.IGNORECASE)


def dollars(nano: int) -> str:
    """`$1.84`, rounded up to the cent, so that nothing ever looks cheaper than it was."""
    cents = -(-nano // (NANO // 100))
    return f"${cents // 100}.{cents % 100:02d}"


def dollars_left(nano: int) -> str:
    """What is left, rounded down to the cent: spent and left never add up to more than the limit."""
    return dollars(max(0, nano) // (NANO // 100) * (NANO // 100))


def minutes(seconds: float) -> int:
    """Whole minutes, rounded up."""
    return math.ceil(seconds / 60)


def parse_dollars(text: str) -> int | None:
    """Nano-dollars of `+$2`, `$2`, `2$`, `$1.50`; None when it is no such amount."""
    match = _DOLLARS.match(text.strip())
    if not match:
        return None
    whole, cents = (match[1], match[2]) if match[1] else (match[3], match[4])
    return int(whole) * NANO + int((cents or "0").ljust(2, "0")) * (NANO // 100)


def parse_seconds(text: str) -> int | None:
    """Seconds of `+20m`, `20 min`, `1h`; None when it is no such amount."""
    match = _TIME.match(text.strip())
    if not match:
        return None
    return int(match[1]) * (3600 if match[2].lower().startswith("h") else 60)
