"""POST /v1/heartbeat: the lease is prolonged, container time is booked, and the runner hears what is wanted of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from functions.job_api.events import of_wrap_up, put_events
from functions.job_api.session import Session, must_be_open
from functions.job_api.time_left import book_seconds, little_is_left
from shared.domain.protocol import LEASE_S, Heartbeat, Orders
from shared.domain.record import Put, replace_of

Order = Literal["stop", "wrap_up"]


def beat(session: Session, heartbeat: Heartbeat) -> Orders:
    """Raises Refused (job_over), Conflict (again from the start)."""
    must_be_open(session)
    total, booked, ledger = book_seconds(session, heartbeat.seconds)
    lease = session.lease.model_copy(
        update={
            "until": session.now + LEASE_S * 1000,
            "step": max(session.lease.step, heartbeat.step),
            "doing": heartbeat.doing,
            "seconds": total,
        }
    )
    wrap_up = lease.wrap_up or little_is_left(session.here, session.job, lease, ledger)
    events = []
    if wrap_up and not session.lease.wrap_up:
        events = put_events(
            session.job, session.now, f"h{lease.epoch}", [of_wrap_up(session.job, session.now, heartbeat.step)]
        )
    lease = lease.model_copy(update={"wrap_up": wrap_up})
    record = replace(session.lease_record, body=lease.model_dump(mode="json"), due=lease.until)
    session.store.commit(Put(record, replace_of(session.lease_record)), *booked, *events)
    orders: list[Order] = []
    if wanted_away(session):
        orders.append("stop")
    if wrap_up:
        orders.append("wrap_up")
    return Orders(orders=tuple(orders))


def wanted_away(session: Session) -> bool:
    """Whether the job was ended or halted while this runner works on it; its work is kept as it leaves."""
    return session.job.status not in ("launching", "running")
