"""`/persevere retry`: starts over from the approved spec, on a new branch."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.commands.resume import refuse_funds
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.halts import go_on
from shared.domain.workflow.jobs import start_build
from shared.domain.workflow.turn import Turn

PHASES = frozenset({"paused", "waiting", "stopped", "ended"})


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    if issue.phase not in PHASES or issue.approval is None:
        why = "no_approval" if issue.approval is None else "runs"
        turn.reply(NotNow(verb="retry", phase=issue.phase, why=why, line=turn.command if why == "no_approval" else ""))
        turn.outcome = "refused: not now"
        return
    if refuse_funds(turn, "retry"):
        return
    turn.react("rocket")
    go_on(turn)
    turn.move("approved", round=1, pull=None, accepted={})
    start_build(turn, afresh=True)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase in PHASES and view.issue.approval is not None:
        return "retry", "starts over from the approved spec, on a new branch"
    return None


COMMAND = Command(
    verb="retry",
    usage="retry",
    summary="starts over from the approved spec, on a new branch",
    role=Role.WRITE,
    run=_run,
    examples=("retry",),
    check=no_arguments,
    offer=_offer,
)
