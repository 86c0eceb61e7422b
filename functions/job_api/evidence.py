"""POST /v1/evidence: what a verify job or a tryout saw, one record a criterion and side."""

from __future__ import annotations

from functions.job_api.contract import read_spec
from functions.job_api.events import of_observation, put_events
from functions.job_api.refusal import Refused, check_blob
from functions.job_api.session import Session, must_be_open
from shared.domain import keys
from shared.domain.protocol import EvidenceReport, Observation
from shared.domain.record import ANY, Put, Record

AT_ONCE = 20  # observations in one transaction, each with its event


def store_evidence(session: Session, report: EvidenceReport) -> None:
    """A later report of the same criterion and side replaces the earlier one. Raises Refused, Conflict."""
    must_be_open(session)
    if session.job.kind not in ("verify", "survey"):
        raise Refused("bad_request", f"a {session.job.kind} job gives no evidence: proof comes from a verify job")
    spec = read_spec(session.here, session.job)
    known = {criterion.id for criterion in spec.criteria} if spec else set()
    for seen in report.observations:
        _check(session, seen, known)
    for start in range(0, len(report.observations), AT_ONCE):
        part = report.observations[start : start + AT_ONCE]
        records = [
            Record(keys.evidence(session.job.id, seen.criterion, seen.side), "evidence", seen.model_dump(mode="json"))
            for seen in part
        ]
        events = [of_observation(session.job, session.now, seen) for seen in part]
        writer = f"v{session.lease.epoch}-{part[0].criterion}-{part[0].side}"
        session.store.commit(
            *(Put(record, ANY) for record in records),
            *put_events(session.job, session.now, writer, events),
            session.fence,
        )


def _check(session: Session, seen: Observation, known: set[str]) -> None:
    if seen.criterion not in known:
        raise Refused("bad_request", f"the spec of this job has no criterion {seen.criterion[:40]!r}")
    for run in (*seen.runs, *([seen.pinned] if seen.pinned else [])):
        check_blob(session.job, run.artifact, f"{seen.criterion} at {seen.side}")
