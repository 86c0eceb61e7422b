"""Starting and ending jobs: survey, build, verify. One active job an issue."""

from __future__ import annotations

from typing import Literal

from shared.domain.chosen import chosen_model
from shared.domain.events import EventKind
from shared.domain.job import JobState, JobStatus, moved
from shared.domain.protocol import JobKind
from shared.domain.usage import NoRoom
from shared.domain.workflow.ceilings import (
    PLACE_MS,
    give_back,
    look_again,
    no_place,
    no_room_words,
    pass_gate,
    set_aside,
)
from shared.domain.workflow.turn import Turn

PUSHED_TO = "pushed to"  # why a job ends when a person pushed to our branch: its late work must not cover theirs
LOOK_AFTER_MS = 20_000  # a launching task is looked at so often: did it start, did it die?


def _new_job(turn: Turn, kind: JobKind, **fields: object) -> JobState:
    issue = turn.issue
    job = JobState(
        id=turn.job_id(),
        kind=kind,
        issue=turn.view.pk,
        repository=issue.repository,
        installation_id=issue.installation_id,
        spec_version=issue.approval.version if issue.approval else issue.version,
        ledger=issue.approval.ledger if issue.approval else 0,
        round=issue.round,
        model=chosen_model(issue, turn.view.operator),
        requested_by=issue.requester,
        settings=issue.settings,
        tainted=issue.tainted,
        created_at=turn.now,
    )
    return job.model_copy(update=fields)


def start_survey(turn: Turn, purpose: Literal["brief", "tryout"], base: str) -> None:
    """Look at the repository (brief), or run each check of the newest version once at base (tryout). No model."""
    job = _new_job(turn, "survey", purpose=purpose, base=base, ledger=0, spec_version=turn.issue.version)
    _enqueue(turn, job)


def start_build(turn: Turn, *, message: str = "", afresh: bool = False) -> JobState:
    """A build of the approved version. Without `afresh` it continues the last build and the pushed commit, if any.

    `message` is what its conversation goes on with (the evidence of a red proof, a resume).
    """
    issue = turn.issue
    assert issue.approval is not None, "a build needs an approval"
    continues = None if afresh else issue.build
    job = _new_job(
        turn,
        "build",
        base=issue.approval.base,
        head=None if afresh else issue.head,
        continues=continues,
        message=message,
    )
    branch = issue.branch
    if branch is None or afresh:
        branch = f"persevere/{issue.number}-{job.id}"
        turn.change(
            branch=branch,
            head=None,
            work_tree=None,
            people_head=None,
            marker_head=None,
            verdicts=(),
            verified_head=None,
            checks={},
        )
        turn.wish("branch", branch, branch=branch, base=issue.approval.base, job=job.id)
    turn.change(build=job.id)
    _enqueue(turn, job)
    return job


def start_verify(turn: Turn) -> JobState:
    """Prove each criterion in a new container: at base, then at the pushed head."""
    issue = turn.issue
    assert issue.approval is not None and issue.head is not None, "a proof needs an approval and a commit"
    job = _new_job(turn, "verify", base=issue.approval.base, head=issue.head)
    turn.change(verified_job=job.id)
    _enqueue(turn, job)
    return job


def _enqueue(turn: Turn, job: JobState) -> None:
    turn.change(job=job.id)
    turn.put_job(job)
    launch(turn, job)


def launch(turn: Turn, job: JobState) -> None:
    """Ask for a machine, or keep the job queued where no place or no money is free under the operator's ceilings."""
    if job.status == "queued":
        words = no_place(turn, job)
        again = turn.now + PLACE_MS
        if not words:
            found = set_aside(turn, job)
            if isinstance(found, NoRoom):
                words, again = no_room_words(found), look_again(found, turn.now)
            else:
                job = found
        if words:
            turn.deadline("queue", again)
            turn.put_job(job.model_copy(update={"reason": words}))
            return
        pass_gate(turn)
    turn.deadline("queue", None)
    number = job.launch if job.status == "queued" else job.launch + 1
    started = moved(job, "launching", launch=number, started_at=turn.now, reason="")
    turn.put_job(started)
    turn.wish("start_task", f"{job.id}-{number}", job=job.id, launch=number)
    turn.deadline("look", turn.now + LOOK_AFTER_MS)


def end_job(turn: Turn, job: JobState, status: JobStatus, **fields: object) -> JobState:
    """The job is over: it leaves the active list, and the issue has no job any more."""
    ended = moved(job, status, ended_at=turn.now, **fields)
    turn.put_job(ended)
    give_back(turn, job)
    if turn.issue.job == job.id:
        turn.change(job=None)
    turn.deadline("look", None)
    turn.deadline("queue", None)
    kind: EventKind = "ended"
    reason = str(fields.get("reason") or "")
    title = (
        DONE_WORDS[job.kind] if status == "handed_over" else f"{job.kind} {status}" + (f": {reason}" if reason else "")
    )
    turn.event(kind, title, job=job.id, reason=reason, status=status)
    return ended


def stop_job(turn: Turn, reason: str) -> JobState | None:
    """End the active job now: its runner is told at its next heartbeat, its task is asked to leave."""
    job = turn.job(turn.issue.job)
    if job is None or job.over:
        return None
    lease = turn.view.lease
    seconds = lease.seconds if lease and lease.job == job.id else job.seconds
    steps = lease.step if lease and lease.job == job.id else job.steps
    stopped = end_job(turn, job, "stopped", reason=reason, seconds=seconds, steps=steps)
    if job.status == "launching" and (lease is None or lease.launch != job.launch):
        turn.wish(
            "stop_task", job.id, job=job.id, reason=reason
        )  # nobody has claimed it yet: there is no heartbeat to tell
    return stopped


DONE_WORDS: dict[JobKind, str] = {
    "survey": "the repository was looked at",
    "build": "the agent says it is done",
    "fix": "the agent says it is done",
    "verify": "every criterion was run",
}
