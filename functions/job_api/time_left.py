"""Container seconds: what a job may still use, and what it has used."""

from __future__ import annotations

from dataclasses import replace

from functions.job_api.session import Session
from functions.world import World
from shared.domain import keys
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger, give_seconds_back, spend_seconds
from shared.domain.record import Put, Record, replace_of

WRAP_UP_S = 180.0
WRAP_UP_SHARE = 0.05  # of the whole time, where that is less


def read_ledger(here: World, job: JobState) -> tuple[Ledger | None, Record | None]:
    """The ledger that a job draws on; surveys have none, their time is the operator's."""
    if job.kind == "survey" or not job.ledger:
        return None, None
    record = here.store.get(keys.ledger(job.issue, job.ledger))
    return (None, None) if record is None else (Ledger.model_validate(record.body), record)


def seconds_left(here: World, job: JobState, lease: Lease, ledger: Ledger | None) -> float:
    """Building leaves alone the share that is kept for proof; a proof may use all that is left."""
    if job.kind == "survey":
        allowed = here.operator.tryout_seconds if job.purpose == "tryout" else here.operator.survey_seconds
        return max(0.0, allowed - lease.seconds_before - lease.seconds)
    if ledger is None:
        return 0.0
    if job.kind == "verify":
        return max(0.0, ledger.limit_seconds - ledger.spent_seconds)
    return ledger.building_seconds


def little_is_left(here: World, job: JobState, lease: Lease, ledger: Ledger | None) -> bool:
    """Whether a build should come to its end."""
    if job.kind not in ("build", "fix") or ledger is None:
        return False
    return seconds_left(here, job, lease, ledger) <= min(WRAP_UP_S, WRAP_UP_SHARE * ledger.limit_seconds)


def book_seconds(session: Session, seconds: float) -> tuple[float, list[Put], Ledger | None]:
    """(seconds of this launch so far, the change of the ledger, the ledger after it).

    `seconds` is what the runner has worked since its claim: a repeated or older number adds nothing, and never more is
    believed than has passed here.
    """
    passed = max(0.0, (session.now - session.lease.claimed_at) / 1000) + 5.0
    total = max(session.lease.seconds, min(seconds, passed))
    ledger, record = read_ledger(session.here, session.job)
    added = total - session.lease.seconds
    if ledger is None or record is None or added <= 0:
        return total, [], ledger
    after = spend_seconds(ledger, added)
    return total, [Put(replace(record, body=after.model_dump(mode="json")), replace_of(record))], after


def unbook_seconds(session: Session) -> list[Put]:
    """The change of the ledger that takes back what this launch has booked."""
    ledger, record = read_ledger(session.here, session.job)
    if ledger is None or record is None or not session.lease.seconds:
        return []
    after = give_seconds_back(ledger, session.lease.seconds)
    return [Put(replace(record, body=after.model_dump(mode="json")), replace_of(record))]
