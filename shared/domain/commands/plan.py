"""`/persevere plan`: write the spec now, with the answers that are there."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.commands.interview import BEFORE_BUILDING
from shared.domain.commands.starting import refuse_start, start_needs
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.proposing import ask_planner, begin
from shared.domain.workflow.turn import Turn


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    if issue.approval is not None and issue.phase not in ("done", "ended"):
        turn.reply(NotNow(verb="plan", phase=issue.phase, why="approved", line=f"{turn.command} revise <what>"))
        turn.outcome = "refused: approved already"
        return
    if issue.phase == "interviewing":
        turn.react("eyes")
        turn.change(mode="plan")
        if issue.job is None and issue.survey is not None:
            ask_planner(turn)
        turn.show()
        return
    if refuse_start(turn):
        return
    turn.react("eyes")
    begin(turn, "plan")


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase in ("idle", "interviewing") and view.issue.approval is None:
        return "plan", "writes the spec now, without more questions"
    return None


COMMAND = Command(
    verb="plan",
    usage="plan",
    summary="writes the spec at once, on today's default branch",
    role=Role.WRITE,
    run=_run,
    examples=("plan",),
    phases=BEFORE_BUILDING,
    check=no_arguments,
    needs=start_needs,
    offer=_offer,
)
