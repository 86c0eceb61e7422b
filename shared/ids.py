"""Names that nobody else has taken, from the machine's source of chance."""

from __future__ import annotations

import secrets
import threading

# Crockford's base 32: its order is the order of its characters, so names sort as their numbers do.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ULID_CHANCE_BITS = 80
JOB_CHANCE_BITS = 9
JOB_EPOCH_MS = 1_704_067_200_000  # 2024-01-01 UTC: 41 bits of milliseconds from there last until 2093
JOB_LENGTH = 10


class _Sequence:
    """Numbers of `time << bits | chance` that only grow, also within one millisecond or when the clock steps back."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._last = -1
        self._lock = threading.Lock()

    def next(self, time: int) -> int:
        if time < 0:
            raise ValueError(f"{-time} ms before these names begin")
        with self._lock:
            self._last = max((time << self._bits) | secrets.randbits(self._bits), self._last + 1)
            return self._last


class SystemIds:
    """The real `Ids`. Within one process every name sorts behind the ones before it."""

    def __init__(self) -> None:
        self._ulids = _Sequence(ULID_CHANCE_BITS)
        self._jobs = _Sequence(JOB_CHANCE_BITS)

    def ulid(self, now: int) -> str:
        """26 characters (github.com/ulid/spec): 48 bits of milliseconds, 80 of chance."""
        return _spell(self._ulids.next(now), 26)

    def job(self, now: int) -> str:
        """10 lower-case characters: 41 bits of milliseconds, 9 of chance.

        Two processes that ask in the same millisecond get the same name once in 512 times; the job's record is
        written under "no such item yet", so the second one asks again.
        """
        return _spell(self._jobs.next(now - JOB_EPOCH_MS), JOB_LENGTH).lower()

    def secret(self) -> str:
        """43 URL-safe characters, 256 bits of chance."""
        return secrets.token_urlsafe(32)


def _spell(number: int, length: int) -> str:
    if not 0 <= number < 1 << (5 * length):
        raise ValueError(f"{number} does not fit {length} characters of base 32")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5))
