"""PUT /v1/steps/{n}: results of step n-1 in, what the model says at step n out.

Results are stored once, in the transaction that reserves the money of the next ask; the answer is stored before the
runner sees it. A runner that comes again with the same step gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from functions.job_api.asking import Prepared, prepare
from functions.job_api.closing import close, kept_in
from functions.job_api.conversation import Conversation, read_conversation, recall, remember
from functions.job_api.heartbeat import wanted_away
from functions.job_api.refusal import Refused
from functions.job_api.session import Session, must_be_open
from functions.job_api.time_left import read_ledger, seconds_left
from shared.domain import keys
from shared.domain.protocol import Later, Reply, StepResults
from shared.domain.record import Change, Put, Record, replace_of
from shared.domain.step import StepState
from shared.errors import NotConfigured
from shared.llm.gateway import Gateway
from shared.llm.slot import Broke, Stored, Wait
from shared.ports import read_all

AWAY_MS = 1_000


@dataclass(frozen=True, slots=True)
class _Read:
    """The step before and this one, as stored. `record` has version 0 when this step was never asked."""

    before: StepState | None
    before_record: Record | None
    state: StepState
    record: Record


def put_step(session: Session, number: int, body: StepResults) -> Reply | Later:
    """Raises Refused: bad_request, wrong_step, job_over, out_of_money, out_of_time, busy; Conflict (again)."""
    must_be_open(session)
    job = session.job
    if job.kind not in ("build", "fix"):
        raise Refused("bad_request", f"a {job.kind} job asks no model")
    if wanted_away(session):
        return _away(session)
    found = _read(session, number)
    if found.state.reply is not None:
        return found.state.reply
    if found.before is not None and found.before.reply is not None and found.before.reply.over:
        return found.before.reply.model_copy(update={"step": number})
    conversation, closed, changes = _close_before(session, number, found, body)
    gateway = Gateway(session.store, session.here.clock, session.here.ids, session.here.models)
    waiting = gateway.wait(found.state)
    if waiting is not None:
        _commit_results(session, changes)
        return Later(retry_after_ms=waiting.ms, idle=waiting.idle)
    if conversation.state.over:
        return _end(session, found, changes, *conversation.state.over)
    _check_time(session, changes)
    try:
        prepared = prepare(session, number, conversation.state, found.state, closed, changes)
        if isinstance(prepared, str):
            return _end(session, found, changes, prepared, "model")
        outcome = gateway.ask(prepared.slot, found.state, found.record, prepared.ask)
    except NotConfigured as unknown:
        return _end(session, found, changes, f"{unknown} ({unknown.advice})", "model")
    return _answer(session, outcome, conversation, changes, prepared, closed)


def _answer(
    session: Session,
    outcome: Stored | Wait | Broke,
    conversation: Conversation,
    changes: list[Change],
    prepared: Prepared,
    closed: StepState | None,
) -> Reply | Later:
    match outcome:
        case Stored(state=state):
            assert state.reply is not None
            remember(session, conversation)
            return state.reply
        case Wait(ms=ms, idle=idle):
            return Later(retry_after_ms=ms, idle=idle)
        case Broke(missing=True):
            _commit_results(session, changes)
            raise Refused("out_of_money", "there is no ledger for this job")
        case Broke():
            _commit_results(session, changes)
            raise Refused("out_of_money", "the money for building is used up; what is there is proved and published")


def _read(session: Session, number: int) -> _Read:
    """Raises Refused (wrong_step) unless every step before has its answer."""
    key = keys.step(session.job.id, number)
    record = session.store.get(key) or Record(key, "step", StepState(step=number).model_dump(mode="json"))
    state = StepState.model_validate(record.body)
    if number == 0:
        return _Read(None, None, state, record)
    before_record = session.store.get(keys.step(session.job.id, number - 1))
    before = None if before_record is None else StepState.model_validate(before_record.body)
    if before is None or before.reply is None:
        raise Refused("wrong_step", f"step {number} is not the next one", expected=_expected(session))
    return _Read(before, before_record, state, record)


def _expected(session: Session) -> int:
    """The first step without an answer."""
    answered = 0
    for record in read_all(session.store, keys.job_pk(session.job.id), "STEP#"):
        state = StepState.model_validate(record.body)
        if state.reply is None:
            break
        answered = state.step + 1
    return answered


def _close_before(
    session: Session, number: int, found: _Read, body: StepResults
) -> tuple[Conversation, StepState | None, list[Change]]:
    """The conversation up to this step, the step before with its results, and what is to be written for them."""
    if found.before is None or found.before_record is None:
        cached = recall(session, 0)
        return cached or read_conversation(session.here, session.job, 0), None, []
    earlier = recall(session, number)
    if earlier is not None and earlier.step == number:
        return earlier, found.before, []
    earlier = earlier or read_conversation(session.here, session.job, number - 1)
    if found.before.results is not None:
        return earlier.after(found.before), found.before, []
    closed, changes = close(session, found.before, found.before_record, body, earlier.tree)
    lease = kept_in(session.lease, number - 1, body)
    if lease is None:
        changes.append(session.fence)
    else:
        kept = replace(session.lease_record, body=lease.model_copy(update={"step": number}).model_dump(mode="json"))
        changes.append(Put(kept, replace_of(session.lease_record)))
    return earlier.after(closed), closed, changes


def _commit_results(session: Session, changes: list[Change]) -> None:
    if changes:
        session.store.commit(*changes)


def _check_time(session: Session, changes: list[Change]) -> None:
    """Raises Refused (out_of_time), with the results stored."""
    ledger, _ = read_ledger(session.here, session.job)
    if ledger is not None and seconds_left(session.here, session.job, session.lease, ledger) <= 0:
        _commit_results(session, changes)
        raise Refused("out_of_time", "the time for building is used up; what is there is proved and published")


def _end(session: Session, found: _Read, changes: list[Change], why: str, cause: str) -> Reply:
    """Give up in the model's stead; stored, so that a runner that comes again hears the same."""
    reply = Reply(step=found.state.step, over="gave_up", why=why[:500], cause=cause)
    record = replace(found.record, body=found.state.model_copy(update={"reply": reply}).model_dump(mode="json"))
    fence = [] if any(change.key == session.fence.key for change in changes) else [session.fence]
    session.store.commit(Put(record, replace_of(found.record)), *changes, *fence)
    return reply


def _away(session: Session) -> Later:
    """The job was stopped or halted: the next heartbeat says so, and the runner leaves with its work."""
    if session.job.status in ("handed_over", "failed"):
        raise Refused("job_over", f"the job is {session.job.status}")
    return Later(retry_after_ms=AWAY_MS)
