"""Deadlines that passed: the watchdog rings, this says what follows."""

from __future__ import annotations

from shared.domain.job import MAX_INTERRUPTIONS, MAX_LAUNCHES, JobState, moved
from shared.domain.messages import Fault, NoMachine
from shared.domain.money import dollars
from shared.domain.workflow.halts import halt
from shared.domain.workflow.jobs import LOOK_AFTER_MS, end_job, launch
from shared.domain.workflow.proposing import ask_planner
from shared.domain.workflow.provider_out import try_again
from shared.domain.workflow.turn import Turn


def on_deadline(turn: Turn) -> None:
    """`names` are those that the watchdog saw; each counts only if it is still set and past."""
    names = [str(name) for name in turn.inbound.data.get("names", ())]
    acted = []
    for name in names:
        if name == "lease":
            if _lease(turn):
                acted.append(name)
            continue
        at = turn.issue.deadlines.get(name)
        if at is None or at > turn.now:
            continue
        turn.deadline(name, None)
        acted.append(name)
        match name:
            case "quiet":
                _quiet(turn)
            case "sleep":
                _sleep(turn)
            case "approval":
                _expired(turn)
            case "planner":
                _planner(turn)
            case "promise":
                turn.wish("status", "status")
            case "look":
                _look(turn)
            case "queue":
                _queue(turn)
            case "provider":
                try_again(turn)
            case _:
                turn.wish("status", "status")
    turn.outcome = f"acted on {', '.join(acted)}" if acted else "nothing was due any more"


def _quiet(turn: Turn) -> None:
    if turn.issue.phase == "interviewing" and turn.issue.job is None:
        ask_planner(turn)
        turn.show()


def _sleep(turn: Turn) -> None:
    """Nobody answered for days: no reminder, one edit of the status."""
    if turn.issue.phase != "interviewing":
        return
    halt(turn, "waiting", "asleep", line=turn.command)


def _expired(turn: Turn) -> None:
    if turn.issue.phase != "proposed":
        return
    line = f"{turn.command} resume" if turn.issue.approval else f"{turn.command} plan"
    halt(turn, "waiting", "expired", line=line)
    turn.wish("spec_comment", f"spec-v{turn.issue.version}", version=turn.issue.version)


def _planner(turn: Turn) -> None:
    """The planner was started and never answered: once more, then a person hears of it."""
    if turn.issue.phase != "interviewing":
        return
    tries = sum(note.name == "planner_lost" for note in turn.issue.notes)
    if tries < 2:
        turn.note("planner_lost")
        ask_planner(turn)
        return
    line = f"{turn.command} resume"
    spent = dollars(turn.ask.spent_nano) if turn.ask else "$0.00"
    message = Fault(to=turn.decider, number=f"planner-{turn.issue.number}", step=0, spent=spent, line=line)
    halt(turn, "waiting", "fault", detail="the planner did not answer", line=line, message=message)


def _look(turn: Turn) -> None:
    """A task was asked for and has not claimed: look again, start another, or give up and say so."""
    job = turn.job(turn.issue.job)
    if job is None or job.over or job.status != "launching":
        return
    started = job.started_at or turn.now
    if turn.now - started < turn.view.operator.start_deadline_s * 1000:
        turn.deadline("look", turn.now + LOOK_AFTER_MS)
        return
    again_or_give_up(turn, job, "the machine never reported")


def on_task(turn: Turn) -> None:
    """A container ended. Only news when its job still counts on it; then nobody waits for the lease of the dead."""
    data = turn.inbound.data
    job = turn.job(str(data.get("started_by", "")))
    lease = turn.view.lease
    if job is None or job.over or job.status == "queued" or str(data.get("state")) != "stopped":
        turn.outcome = "ignored: nothing waits for that task"
        return
    launch_of_task = int(data.get("launch") or job.launch)
    if launch_of_task != job.launch:
        turn.outcome = "ignored: an earlier launch"
        return
    if lease is not None and lease.job == job.id and lease.launch == job.launch and lease.finished:
        turn.outcome = "ignored: its runner has said its last word"
        return
    again_or_give_up(turn, job, str(data.get("reason") or "the machine went away"))


def _lease(turn: Turn) -> bool:
    """The holder of a job went silent."""
    job, lease = turn.job(turn.issue.job), turn.view.lease
    if job is None or lease is None or job.over or lease.job != job.id or lease.until > turn.now or lease.finished:
        return False
    if lease.launch != job.launch and job.status == "launching":
        return False  # another machine was asked for already, and is looked after
    again_or_give_up(turn, job, "the machine went silent")
    return True


def again_or_give_up(turn: Turn, job: JobState, why: str) -> None:
    """Another machine goes on from the last checkpoint; after several that brought nothing, a person is asked."""
    step = turn.view.lease.step if turn.view.lease and turn.view.lease.job == job.id else 0
    turn.event("interrupted", f"{why} at step {step}", job=job.id, launch=job.launch)
    losses = 1 if step > job.lost_at >= 0 else job.losses + 1
    job = job.model_copy(update={"losses": losses, "lost_at": max(step, job.lost_at)})
    if losses >= MAX_LAUNCHES or job.launch >= MAX_INTERRUPTIONS:
        end_job(turn, job, "failed", reason=why)
        line = f"{turn.command} resume"
        message = NoMachine(to=turn.decider, since=job.created_at, why=why, line=line)
        halt(turn, "waiting", "no_machine", detail=why, line=line, message=message, job=job.id)
        return
    turn.note("runner_lost", text=str(step))
    again = job if job.status == "launching" else moved(job, "interrupted")
    launch(turn, again)
    turn.show()


def _queue(turn: Turn) -> None:
    """A place or some money may be free by now."""
    job = turn.job(turn.issue.job)
    if job is not None and job.status == "queued":
        launch(turn, job)
        turn.wish("status", "status")
    elif job is None and turn.issue.queued and turn.issue.phase == "interviewing":
        ask_planner(turn)
        turn.show()
