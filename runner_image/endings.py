"""The ways out of a job that no caller can answer: each unwinds to the one place that says the last word."""

from __future__ import annotations

from shared.domain.protocol import EXIT_CODES


class Ending(Exception):
    """Base of the ways out."""


class Leave(Ending):
    """Nothing may be said any more (`finish` would be refused or cannot be heard): clean up and exit with `code`."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class GiveUp(Ending):
    """The job ends here, with what there is. `reason` is a word of protocol.Finish."""

    def __init__(self, reason: str, summary: str) -> None:
        super().__init__(summary)
        self.reason = reason
        self.summary = summary


class Stopped(Ending):
    """Told to leave now: by an order (`stopped`) or by a signal (`signal`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def replaced(why: str) -> Leave:
    """Another runner has the job, or it is over: exit as if done, silently."""
    return Leave(why, EXIT_CODES["replaced"])


def bad_token(why: str) -> Leave:
    return Leave(why, EXIT_CODES["bad_token"])


def unreachable(why: str) -> Leave:
    return Leave(why, EXIT_CODES["unreachable"])
