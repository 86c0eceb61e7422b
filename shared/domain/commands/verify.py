"""`/persevere verify`: proves every criterion again on the newest commit."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.jobs import start_verify
from shared.domain.workflow.turn import Turn

PHASES = frozenset({"in_review", "waiting", "paused", "stopped", "ended"})


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    if issue.phase not in PHASES or issue.head is None or issue.approval is None or issue.job is not None:
        turn.reply(NotNow(verb="verify", phase=issue.phase, why="no_commit"))
        turn.outcome = "refused: nothing to prove"
        return
    turn.react("rocket")
    turn.move("verifying", round=turn.view.operator.rounds)
    start_verify(turn)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase in PHASES and view.issue.head is not None and view.issue.approval is not None:
        return "verify", "proves every criterion again"
    return None


COMMAND = Command(
    verb="verify",
    usage="verify",
    summary="proves every criterion again",
    role=Role.WRITE,
    run=_run,
    examples=("verify",),
    check=no_arguments,
    offer=_offer,
)
