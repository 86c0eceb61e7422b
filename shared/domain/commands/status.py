"""`/persevere status`: the status comment is written again, now."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given, no_arguments
from shared.domain.people import Role
from shared.domain.workflow.turn import Turn


def _run(turn: Turn, given: Given) -> None:
    turn.react("eyes")
    turn.show()


COMMAND = Command(
    verb="status",
    usage="status",
    summary="writes the status again, now",
    role=Role.TRIAGE,
    run=_run,
    examples=("status",),
    requester=True,
    check=no_arguments,
    overtakes=True,
)
