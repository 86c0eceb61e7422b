"""The error tree. Expected outcomes are values; these are for what a caller cannot go on from by itself."""

from __future__ import annotations


class PersevereError(Exception):
    """Base of every error that we raise on purpose."""


class Retryable(PersevereError):
    """Somebody else is busy, slow or away; the same call may work after `after_s` seconds."""

    def __init__(self, message: str, after_s: float = 1.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class Final(PersevereError):
    """The same call will fail again. `advice` says what a person can do about it."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class NotConfigured(Final):
    """A setting is missing or wrong; `advice` names it."""
