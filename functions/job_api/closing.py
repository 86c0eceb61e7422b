"""A step gets its results: with the next step, or with the last word of a runner that leaves in mid-answer."""

from __future__ import annotations

from dataclasses import replace

from functions.job_api.events import of_checkpoint, of_results, of_unkept, put_events
from functions.job_api.refusal import check_blob
from functions.job_api.session import Session
from shared.agent.data import clean, clip
from shared.domain.job import Lease
from shared.domain.protocol import CallResult, StepResults
from shared.domain.record import Change, Put, Record, replace_of
from shared.domain.step import AskedCall, StepState


def close(
    session: Session, before: StepState, record: Record, body: StepResults, tree: str | None
) -> tuple[StepState, list[Change]]:
    """The step with one result for each call that the runner had, and what is to be written. `tree` is the workspace's as
    of the results before. A call without a result was cut short, or lost with its runner. Raises Refused (bad_request).
    """
    for result in body.results:
        check_blob(session.job, result.artifact, f"result of {result.call}")
    if body.checkpoint is not None:
        check_blob(session.job, body.checkpoint.bundle, "checkpoint")
    sent = {result.call: result for result in body.results}
    results = tuple(_result(call, sent.get(call.name)) for call in before.calls if not call.error)
    ran = any(result.status != "interrupted" for result in results)
    closed = before.model_copy(
        update={
            "results": results,
            "tree": body.tree,
            "checkpoint": body.checkpoint,
            "ran_on": session.lease.launch if ran else 0,
            "changed": body.tree is not None and body.tree != tree,
        }
    )
    step, job = before.step, session.job
    events = of_results(job, session.now, step, closed.calls, {result.call: result for result in results})
    if body.checkpoint is not None and body.checkpoint.bundle and body.checkpoint.tree != session.lease.tree:
        events.append(of_checkpoint(job, session.now, step, body.checkpoint))
    if body.unkept and body.unkept != session.lease.unkept:
        events.append(of_unkept(job, session.now, step, body.unkept))
    put = Put(replace(record, body=closed.model_dump(mode="json")), replace_of(record))
    return closed, [put, *put_events(job, session.now, f"r{step + 1:06d}", events)]


def kept_in(lease: Lease, step: int, body: StepResults) -> Lease | None:
    """The lease with the work as it was kept after `step`; None when nothing is to be noted. Without a checkpoint the one
    before stays, and `unkept` says why.
    """
    if body.checkpoint is None:
        return lease.model_copy(update={"unkept": body.unkept}) if body.unkept != lease.unkept else None
    kept = {
        "tree": body.checkpoint.tree,
        "bundle": body.checkpoint.bundle,
        "kind": body.checkpoint.kind,
        "checkpoint_step": step,
        "unkept": body.unkept,
    }
    return lease.model_copy(update=kept)


def _result(call: AskedCall, sent: CallResult | None) -> CallResult:
    if sent is None:
        return CallResult(call=call.name, status="interrupted")
    return sent.model_copy(update={"text": clip(clean(sent.text))})
