"""Holds of askers that died, in the ledger of a job: settled when a runner comes and when it goes."""

from __future__ import annotations

from functions.job_api.session import Session, store_of
from functions.world import World
from shared.domain import keys
from shared.domain.job import JobState
from shared.domain.record import Key
from shared.llm.sweep import sweep_ledger


def settle_strays(session: Session) -> None:
    """Raises Conflict (again from the start)."""
    settle_strays_of(session.here, session.job)


def settle_strays_of(here: World, job: JobState) -> None:
    """Of this job and of those before it that drew on the same ledger. Raises Conflict."""
    if job.ledger:
        sweep_ledger(store_of(here, job), here.clock, keys.ledger(job.issue, job.ledger), _slot_of, "lost")


def _slot_of(hold: str) -> Key | None:
    """Holds are named `<job>/<step>/<attempt>`."""
    match hold.split("/"):
        case [job, step, _] if step.isdigit():
            return keys.step(job, int(step))
        case _:
            return None
