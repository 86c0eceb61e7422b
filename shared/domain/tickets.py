"""Signed words of ours: the ticket that a runner is started with, and the session token that it gets for it.

Both are `<kind>.<payload>.<mac>`: base64url of compact JSON, and HMAC-SHA256 over kind and payload. Keys are a list:
the first one signs, any one verifies, so that a key can be changed under load. A token of one kind is never one of the
other. Nothing here is secret but the keys; the tokens themselves are bearer rights and are never logged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TICKET_S = 15 * 60
MARGIN_MS = 5_000  # clocks of two functions may differ by so much
MAX_CHARS = 2_000

Why = Literal["malformed", "forged", "expired"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to claim one launch of one job once. `expires` in UTC milliseconds."""

    job: str
    launch: int
    expires: int


@dataclass(frozen=True, slots=True)
class Session:
    """The right to speak for a job as long as its lease has this epoch. `expires` in UTC milliseconds."""

    job: str
    epoch: int
    expires: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a token does not count; for the log, never for whoever sent it."""

    why: Why


def make_ticket(keys: Sequence[bytes], job: str, launch: int, now: int) -> str:
    """A ticket that is good for 15 minutes from `now` (UTC ms)."""
    return _sign(keys, "t1", {"j": job, "n": launch, "x": now + TICKET_S * 1000})


def read_ticket(keys: Sequence[bytes], text: str, now: int) -> Ticket | Rejected:
    match _verify(keys, "t1", text, now):
        case Rejected() as rejected:
            return rejected
        case (job, number, expires):
            return Ticket(job, number, expires)


def make_session(keys: Sequence[bytes], job: str, epoch: int, expires: int) -> str:
    """A session token that is good until `expires` (UTC ms)."""
    return _sign(keys, "s1", {"j": job, "n": epoch, "x": expires})


def read_session(keys: Sequence[bytes], text: str, now: int) -> Session | Rejected:
    match _verify(keys, "s1", text, now):
        case Rejected() as rejected:
            return rejected
        case (job, number, expires):
            return Session(job, number, expires)


def _sign(keys: Sequence[bytes], kind: str, payload: dict[str, str | int]) -> str:
    body = _encode(json.dumps(payload, separators=(",", ":"), sort_keys=True).encode())
    return f"{kind}.{body}.{_mac(_usable(keys)[0], kind, body)}"


def _verify(keys: Sequence[bytes], kind: str, text: str, now: int) -> tuple[str, int, int] | Rejected:
    parts = text.split(".")
    if len(text) > MAX_CHARS or not text.isascii() or len(parts) != 3 or parts[0] != kind:
        return Rejected("malformed")
    body, mac = parts[1], parts[2]
    if not any(hmac.compare_digest(_mac(key, kind, body), mac) for key in _usable(keys)):
        return Rejected("forged")
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    job, number, expires = str(payload["j"]), int(payload["n"]), int(payload["x"])
    if now > expires + MARGIN_MS:
        return Rejected("expired")
    return job, number, expires


def _usable(keys: Sequence[bytes]) -> Sequence[bytes]:
    """An empty key would let everybody sign."""
    if not keys or not all(keys):
        raise ValueError("signing needs at least one key, and no empty one")
    return keys


def _mac(key: bytes, kind: str, body: str) -> str:
    return _encode(hmac.new(key, f"{kind}.{body}".encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
