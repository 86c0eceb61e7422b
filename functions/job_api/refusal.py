"""Answers that are no success, and the checks that more than one route makes."""

from __future__ import annotations

from shared.domain.job import JobState
from shared.domain.protocol import Refusal
from shared.errors import PersevereError

STATUS = {
    "bad_token": 401,
    "out_of_money": 402,
    "out_of_time": 402,
    "not_found": 404,
    "stale_epoch": 409,
    "wrong_step": 409,
    "claimed": 409,
    "job_over": 410,
    "too_big": 413,
    "bad_request": 422,
    "busy": 503,
}


class Refused(PersevereError):
    """The request is answered with this `Refusal`; nothing more is done."""

    def __init__(
        self, code: str, message: str, *, expected: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.refusal = Refusal(code=code, message=message, expected=expected, retry_after_s=retry_after_s)

    @property
    def status(self) -> int:
        return STATUS[self.refusal.code]


def check_blob(job: JobState, key: str | None, what: str) -> None:
    """A runner may name blobs of its own job only. Raises Refused."""
    if key is not None and not key.startswith(f"{job.repository.id}/{job.id}/"):
        raise Refused("bad_request", f"{what}: this blob is not one of this job")
