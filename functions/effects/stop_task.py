"""Ask a job's tasks to leave. None there is fine."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done


def perform(attempt: Attempt) -> Outcome:
    """data: {job, reason}."""
    job = str(attempt.data["job"])
    attempt.outside.tasks.stop(job, str(attempt.data.get("reason", "")))
    return done({"job": job})
