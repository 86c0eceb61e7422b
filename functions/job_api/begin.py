"""POST /v1/begin: a runner says that it is about to run the calls of an answer. From here on they are never run again.

An answer that no runner has begun is handed to the next one as it is: it was paid for, and nothing of it happened yet.
"""

from __future__ import annotations

from dataclasses import replace

from functions.job_api.session import Session, must_be_open
from shared.domain.protocol import Begin
from shared.domain.record import Put, replace_of


def begin(session: Session, word: Begin) -> None:
    """Fenced like every write: of two runners with the same answer one alone may run it. Raises Refused, Conflict."""
    must_be_open(session)
    if session.lease.begun_step >= word.step:
        return
    lease = session.lease.model_copy(update={"begun_step": word.step, "step": max(session.lease.step, word.step)})
    record = replace(session.lease_record, body=lease.model_dump(mode="json"))
    session.store.commit(Put(record, replace_of(session.lease_record)))
