"""`/persevere stop`: ends at once, keeps the work. Always allowed, whatever money is left."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given
from shared.domain.issue import Waiting
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.halts import rest
from shared.domain.workflow.jobs import stop_job
from shared.domain.workflow.turn import Turn

NOTHING_RUNS = frozenset({"idle", "done", "stopped", "ended"})


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    if issue.phase in NOTHING_RUNS:
        turn.reply(NotNow(verb="stop", phase=issue.phase, why="nothing_runs"))
        turn.outcome = "refused: nothing runs"
        return
    turn.react("rocket")
    stop(turn, turn.sender.login)


def stop(turn: Turn, who: str, reason: str = "stopped") -> None:
    """End what runs and go to `stopped`; also when the issue was closed (`reason` closed)."""
    before = turn.issue.phase
    job = stop_job(turn, "stopped")
    turn.move("stopped", resumable=before)
    line = "" if reason == "closed" else f"{turn.command} resume"
    detail = f"step {job.steps}" if job and job.kind == "build" else ""
    turn.change(waiting=Waiting(reason=reason, detail=detail, line=line, whose=who, since=turn.now))
    rest(turn)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase in NOTHING_RUNS:
        return None
    return "stop", "ends this; nothing more is spent"


COMMAND = Command(
    verb="stop",
    usage="stop",
    summary="ends at once, keeps the work",
    role=Role.TRIAGE,
    run=_run,
    examples=("stop",),
    requester=True,
    offer=_offer,
    overtakes=True,
)
