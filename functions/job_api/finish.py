"""POST /v1/finish: a runner's last word becomes one inbound, and its lease ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from functions.job_api.closing import close, kept_in
from functions.job_api.refusal import Refused, check_blob
from functions.job_api.session import Session
from functions.job_api.strays import settle_strays
from functions.job_api.tell import tell_session_finished
from functions.job_api.time_left import book_seconds, unbook_seconds
from shared.domain import keys
from shared.domain.protocol import Finish
from shared.domain.provider_words import OUT_CAUSES
from shared.domain.record import Change, Put, Record, replace_of
from shared.domain.step import StepState
from shared.ports import read_all

ENDS = {
    "survey": {"surveyed", "gave_up", "interrupted"},
    "verify": {"verified", "gave_up", "interrupted"},
    "build": {"handed_over", "gave_up", "interrupted"},
    "fix": {"handed_over", "gave_up", "interrupted"},
}


def finish(session: Session, word: Finish) -> None:
    """Once a runner: the same word again changes nothing. Raises Refused (bad_request), Conflict."""
    if session.lease.finished:
        return
    _check(session, word)
    settle_strays(session)
    records = list(read_all(session.store, keys.job_pk(session.job.id), "STEP#"))
    steps = [StepState.model_validate(record.body) for record in records]
    answered = sum(step.answered for step in steps)
    word = _with_cause(word, steps)
    total, booked, _ = book_seconds(session, word.seconds)
    if not answered and word.outcome == "gave_up" and word.reason in OUT_CAUSES:
        booked = unbook_seconds(session)  # it only found out that no model can be asked yet
    ended: dict[str, object] = {
        "until": session.now,
        "seconds": total,
        "doing": "",
        "finished": True,
        "step": answered,
    }
    told, closed = word.model_copy(update={"underway": None}), _close_last(session, word, records, steps)
    kept = session.lease
    if word.underway is not None and word.underway.done.checkpoint is not None:
        kept = kept_in(kept, word.underway.step, word.underway.done) or kept
    lease = kept.model_copy(update=ended)
    record = replace(session.lease_record, body=lease.model_dump(mode="json"), due=None)
    session.store.commit(
        Put(record, replace_of(session.lease_record)), *booked, *closed, tell_session_finished(session, told)
    )


def _close_last(session: Session, word: Finish, records: list[Record], steps: list[StepState]) -> list[Change]:
    """The results of the last answer's calls, where no step has brought them. Raises Refused (bad_request)."""
    if not steps or steps[-1].reply is None or steps[-1].results is not None:
        return []
    last, underway = steps[-1], word.underway
    if underway is None or underway.step != last.step:
        return []  # nothing of that answer was begun: the next runner is given it as it is
    tree = next((step.tree for step in reversed(steps) if step.tree), None)
    return close(session, last, records[-1], underway.done, tree)[1]


def _with_cause(word: Finish, steps: Sequence[StepState]) -> Finish:
    """A runner knows only that the model ended the loop; why it did stands in the last step."""
    if word.outcome != "gave_up" or word.reason != "model" or not steps:
        return word
    reply = steps[-1].reply
    return word.model_copy(update={"reason": reply.cause}) if reply is not None and reply.cause else word


def _check(session: Session, word: Finish) -> None:
    job = session.job
    if word.outcome not in ENDS[job.kind]:
        raise Refused("bad_request", f"a {job.kind} job cannot end as {word.outcome}")
    check_blob(job, word.changeset, "changeset")
    if word.changeset is not None and not session.here.blobs.has(word.changeset):
        raise Refused("bad_request", "the changeset was never stored: put the blob first")
    if word.survey is not None:
        check_blob(job, word.survey.brief, "brief")
