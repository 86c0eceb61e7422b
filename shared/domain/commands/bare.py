"""`/persevere`: the next sensible thing; on a known issue, where it stands."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.commands.starting import refuse_start, start_needs
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.proposing import begin
from shared.domain.workflow.turn import Turn

ASLEEP = "asleep"


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    sleeping = issue.waiting is not None and issue.waiting.reason == ASLEEP and issue.approval is None
    if issue.phase == "idle" or issue.phase == "done" or sleeping:
        if refuse_start(turn):
            return
        turn.react("eyes")
        begin(turn, "sensible")
        return
    turn.react("eyes")
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase == "idle":
        return "", "reads this issue, asks if an answer matters, else writes the spec"
    return None


COMMAND = Command(
    verb="",
    usage="",
    summary="starts here, or shows where it stands",
    role=Role.WRITE,
    run=_run,
    examples=("",),
    check=no_arguments,
    needs=start_needs,
    offer=_offer,
)
