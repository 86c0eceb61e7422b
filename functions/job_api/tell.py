"""What the doors of a job tell the conductor: one inbound of kind `job`, in the transaction of what it tells."""

from __future__ import annotations

from typing import Any

from functions.job_api.session import Session
from functions.world import World
from shared.domain import keys
from shared.domain.inbound import Inbound
from shared.domain.job import JobState
from shared.domain.protocol import Finish
from shared.domain.record import ABSENT, Put, Record


def tell_claimed(here: World, job: JobState, epoch: int, self_test: dict[str, Any], network: str, now: int) -> Put:
    data = {
        "job": job.id,
        "epoch": epoch,
        "claimed": True,
        "sandbox": str(self_test.get("sandbox", ""))[:200],
        "network": network,
    }
    return _put(here, job, data, now)


def tell_finished(here: World, job: JobState, epoch: int, finish: Finish, now: int) -> Put:
    return _put(here, job, {"job": job.id, "epoch": epoch, "finish": finish.model_dump(mode="json")}, now)


def tell_provider(here: World, job: JobState, now: int) -> Put:
    """The status shall speak of a provider's trouble, or of its end; what there is to say stands in the job's steps."""
    return _put(here, job, {"job": job.id, "provider": True}, now)


def tell_session_finished(session: Session, finish: Finish) -> Put:
    return tell_finished(session.here, session.job, session.lease.epoch, finish, session.now)


def _put(here: World, job: JobState, data: dict[str, Any], now: int) -> Put:
    inbound = Inbound(kind="job", received=now, data=data)
    key = keys.inbound(job.issue, now, here.ids.ulid(now))
    return Put(Record(key, "inbound", inbound.model_dump(mode="json"), due=now), ABSENT)
