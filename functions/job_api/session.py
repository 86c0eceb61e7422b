"""Who is speaking: the session token against the lease. Every write is fenced by the epoch that is read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from functions.job_api.refusal import Refused
from functions.world import World
from shared.domain import keys
from shared.domain.job import JobState, Lease
from shared.domain.protocol import PROTOCOL
from shared.domain.record import AtEpoch, AtVersion, Check, Record
from shared.domain.tickets import Rejected, read_session
from shared.ports import Conflict
from shared.spill import SpillingStore, unpack

SESSION_MS = 24 * 3600 * 1000
TRIES = 30

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Session:
    """A runner that holds its job, as of one moment. `store` packs long texts into the job's blobs."""

    here: World
    store: SpillingStore
    job: JobState
    lease: Lease
    lease_record: Record
    job_version: int
    now: int

    @property
    def fence(self) -> Check:
        """Fails the transaction when somebody else has claimed the job since."""
        return Check(self.lease_record.key, AtEpoch(self.lease.epoch))

    @property
    def still_wanted(self) -> Check:
        """Fails the transaction when the job was stopped, or changed otherwise, since: for what begins to spend."""
        return Check(keys.job_state(self.job.id), AtVersion(self.job_version))

    @property
    def issue(self) -> str:
        return self.job.issue


def store_of(here: World, job: JobState) -> SpillingStore:
    scope = f"{job.repository.id}/{job.id}"
    return SpillingStore(here.store, here.blobs, scope, lambda: here.ids.ulid(here.clock.now()))


def open_session(here: World, headers: Mapping[str, str]) -> Session:
    """The session that the `Authorization` header proves. Raises Refused: bad_token, stale_epoch, bad_request."""
    now = here.clock.now()
    if headers.get("persevere-protocol") != str(PROTOCOL):
        raise Refused("bad_request", f"this control plane speaks protocol {PROTOCOL}")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    proof = read_session(here.ticket_keys, token.strip(), now)
    if scheme.lower() != "bearer" or isinstance(proof, Rejected):
        raise Refused("bad_token", "the session token is not valid here, or has expired")
    job_record = here.store.get(keys.job_state(proof.job))
    lease_record = here.store.get(keys.job_lease(proof.job))
    if job_record is None or lease_record is None:
        raise Refused("bad_token", "no such job is known here")
    job = JobState.model_validate(unpack(job_record, here.blobs).body)
    lease = Lease.model_validate(lease_record.body)
    if lease.epoch != proof.epoch or job.launch != lease.launch:
        raise Refused("stale_epoch", "another runner has this job now")
    return Session(here, store_of(here, job), job, lease, lease_record, job_record.version, now)


def in_turn(work: Callable[[], Result]) -> Result:
    """Do it again from its first read as long as others write in between. Raises Refused (busy) when that never ends."""
    for _ in range(TRIES):
        try:
            return work()
        except Conflict:
            continue
    raise Refused("busy", "too many writers at once", retry_after_s=1.0)


def must_be_open(session: Session) -> None:
    """Raises Refused (job_over) when this runner has said its last word."""
    if session.lease.finished:
        raise Refused("job_over", "this runner has finished the job")
