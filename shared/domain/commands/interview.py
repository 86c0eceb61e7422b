"""`/persevere interview`: questions first, then the spec."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.commands.starting import refuse_start, start_needs
from shared.domain.issue import Phase
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.proposing import ask_planner, begin
from shared.domain.workflow.turn import Turn

BEFORE_BUILDING: frozenset[Phase] = frozenset(
    {"idle", "interviewing", "proposed", "waiting", "done", "ended", "stopped"}
)


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    if issue.approval is not None and issue.phase not in ("done", "ended"):
        turn.reply(NotNow(verb="interview", phase=issue.phase, why="approved", line=f"{turn.command} revise <what>"))
        turn.outcome = "refused: approved already"
        return
    if issue.phase in ("idle", "done", "ended", "stopped", "waiting"):
        if refuse_start(turn):
            return
        turn.react("eyes")
        begin(turn, "interview")
        return
    turn.react("eyes")
    turn.change(mode="interview")
    if issue.phase == "proposed":
        turn.move("interviewing")
        ask_planner(turn)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    return ("interview", "asks questions first") if view.issue.phase == "idle" else None


COMMAND = Command(
    verb="interview",
    usage="interview",
    summary="starts with questions",
    role=Role.WRITE,
    run=_run,
    examples=("interview",),
    phases=BEFORE_BUILDING,
    check=no_arguments,
    needs=start_needs,
    offer=_offer,
)
