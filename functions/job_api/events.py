"""Timeline events of a job, written in the transactions that they tell of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.domain import keys
from shared.domain.events import Event, EventKind
from shared.domain.issue import Phase
from shared.domain.job import JobState
from shared.domain.money import dollars
from shared.domain.protocol import CallResult, Checkpoint, JobKind, Observation
from shared.domain.provider_words import trouble_words
from shared.domain.record import ANY, Put, Record
from shared.domain.step import AskedCall, Asking, Said, StepState

PHASES: dict[JobKind, Phase] = {
    "survey": "interviewing",
    "build": "building",
    "fix": "building",
    "verify": "verifying",
}
TITLE_MAX = 200


def put_events(job: JobState, now: int, writer: str, events: Iterable[Event]) -> list[Put]:
    """`writer` keeps apart what several write in the same millisecond."""
    return [
        Put(Record(keys.event(job.id, now, writer, number), "event", event.model_dump(mode="json")), ANY)
        for number, event in enumerate(events)
    ]


def _event(
    job: JobState, now: int, kind: EventKind, title: str, step: int | None, artifact: str | None = None, **data: Any
) -> Event:
    title = " ".join(title.split())
    title = title if len(title) <= TITLE_MAX else title[: TITLE_MAX - 1] + "…"
    return Event(
        at=now, job=job.id, phase=PHASES[job.kind], kind=kind, step=step, title=title, data=data, artifact=artifact
    )


def of_answer(job: JobState, now: int, state: StepState, nano: int) -> list[Event]:
    """What the model said, in its own first line, or else what it does; and what that cost."""
    reply = state.reply
    assert reply is not None
    does = ", ".join(call.tool for call in reply.calls)
    said = next((line for line in reply.text.splitlines() if line.strip()), "")
    title = said or does or reply.why or "no usable answer"
    billed = state.billed
    tokens = {"input": billed.input, "cached": billed.cached, "output": billed.output}
    return [_event(job, now, "step", title, state.step, calls=does, nano=nano, tokens=tokens, refused=_refused(state))]


def of_results(
    job: JobState, now: int, step: int, calls: Iterable[AskedCall], results: dict[str, CallResult]
) -> list[Event]:
    """One event a call that the runner carried out."""
    events = []
    for call in calls:
        result = results.get(call.name)
        if result is None or call.error:
            continue
        subject = str(next((call.args[key] for key in ("command", "path", "summary") if key in call.args), ""))
        end = f"exit {result.exit}" if result.exit is not None else result.status
        title = f"{call.tool}: {subject[:150]} → {end}"
        facts: dict[str, Any] = {"status": result.status, "exit": result.exit, "bytes": result.bytes}
        if call.tool == "prove":
            facts |= {"criterion": str(call.args.get("criterion", "")), "passed": result.data.get("passed")}
        events.append(_event(job, now, "tool", title, step, result.artifact, tool=call.tool, **facts))
    return events


def of_words(job: JobState, now: int, step: int, messages: Iterable[Said]) -> list[Event]:
    return [_event(job, now, "command", f"{said.by} says: {said.text}", step, by=said.by) for said in messages]


def of_lost_hold(job: JobState, now: int, step: int, nano: int) -> Event:
    return _event(job, now, "money", f"lost to a crash: {dollars(nano)}", step, nano=nano)


def of_trouble(job: JobState, now: int, step: int, model: str, asking: Asking) -> Event:
    """A provider that does not answer: another model goes on, or it is waited for. `model` is the one that was asked."""
    data: dict[str, Any] = {"model": model, "next": asking.model, "cause": asking.busy, "until": asking.until}
    return _event(job, now, "waiting", trouble_words(asking, model), step, **data)


def of_checkpoint(job: JobState, now: int, step: int, checkpoint: Checkpoint) -> Event:
    return _event(
        job, now, "checkpoint", f"work kept after step {step + 1}", step, checkpoint.bundle, tree=checkpoint.tree
    )


def of_unkept(job: JobState, now: int, step: int, what: str) -> Event:
    return _event(job, now, "checkpoint", f"not kept after step {step + 1}: {what}", step)


def of_wrap_up(job: JobState, now: int, step: int) -> Event:
    return _event(job, now, "money", "little building time is left: the agent is asked to wrap up", step)


def of_observation(job: JobState, now: int, seen: Observation) -> Event:
    outcomes = ", ".join(run.outcome.replace("_", " ") for run in seen.runs) or "not run"
    return _event(job, now, "tool", f"{seen.criterion} at {seen.side}: {outcomes}", None, criterion=seen.criterion)


def _refused(state: StepState) -> int:
    return sum(1 for call in state.calls if call.error)
