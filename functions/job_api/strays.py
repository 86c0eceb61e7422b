"""Holds of askers that died, in the ledger of a job: settled when a runner comes and when it goes."""

from __future__ import annotations

from functions.job_api.session import Session, store_of
from functions.world import World
from shared.domain import keys
from shared.domain.job import JobState
from shared.llm.sweep import slot_of_hold, sweep_ledger


def settle_strays(session: Session) -> None:
    """Raises Conflict (again from the start)."""
    settle_strays_of(session.here, session.job)


def settle_strays_of(here: World, job: JobState) -> None:
    """Of this job and of those before it that drew on the same ledger. Raises Conflict."""
    if job.ledger:
        key = keys.ledger(job.issue, job.ledger)
        sweep_ledger(store_of(here, job), here.clock, key, lambda hold: slot_of_hold(key, hold), "lost")
