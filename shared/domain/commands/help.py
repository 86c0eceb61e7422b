"""`/persevere help`: what this person can do now, the rest folded."""

from __future__ import annotations

from shared.domain.commands.command import Command, Given
from shared.domain.facts import RoleFact, RoleOf
from shared.domain.messages import Help
from shared.domain.people import Role
from shared.domain.workflow.turn import Turn


def _run(turn: Turn, given: Given) -> None:
    fact = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    role = fact.role if isinstance(fact, RoleFact) else Role.NONE
    turn.reply(Help(who=turn.sender, role=role), reaction="eyes")


COMMAND = Command(
    verb="help",
    usage="help",
    summary="what you can do now",
    role=Role.TRIAGE,
    run=_run,
    examples=("help",),
    requester=True,
    overtakes=True,
)
