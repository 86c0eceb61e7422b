"""Halts: the four words that people read (waiting, paused, stopped, ended), each with one line to type."""

from __future__ import annotations

from shared.domain.issue import Phase, Waiting
from shared.domain.messages import Message
from shared.domain.workflow.ceilings import give_asking_back
from shared.domain.workflow.jobs import stop_job
from shared.domain.workflow.turn import Turn


def halt(
    turn: Turn,
    phase: Phase,
    reason: str,
    *,
    detail: str = "",
    line: str = "",
    message: Message | None = None,
    job: str | None = None,
) -> None:
    """Go to a halt; what still runs ends. `message` asks a person with a new comment, once a reason and job."""
    stop_job(turn, reason)
    turn.move(phase)
    whose = turn.decider if message is not None else ""
    turn.change(waiting=Waiting(reason=reason, detail=detail, line=line, whose=whose, since=turn.now))
    turn.event("waiting", f"{phase}: {reason.replace('_', ' ')}", job=job)
    if message is not None:
        turn.say(f"ask-{reason}-{job or turn.issue.build or turn.issue.version}", message)
    rest(turn)
    turn.show()


def rest(turn: Turn) -> None:
    """Nothing is waited for by the clock any more, but for the status's own promise."""
    for name in ("look", "queue", "quiet", "sleep", "approval", "provider"):
        turn.deadline(name, None)
    drop_planner(turn)


def drop_planner(turn: Turn) -> None:
    """Nobody waits for the planner any more: it asks nothing from here on, an answer under way is thrown away, and asking
    that found no room leaves its place.
    """
    if turn.issue.planning:
        give_asking_back(turn)
    turn.change(planning="", queued="")
    job = turn.job(turn.issue.job)
    if job is None or job.status != "queued":  # a queued job looks again by the same deadline
        turn.deadline("queue", None)
    turn.deadline("planner", None)


def go_on(turn: Turn) -> None:
    """Leave a halt: what was waited for is there."""
    turn.change(waiting=None, stop_reason="")
