"""What we tell people to type must work when they type it."""

from __future__ import annotations

import re

from shared.domain.commands.table import can_now
from shared.domain.people import Person, Role
from tests.unit.domain.world_in_memory import OCTOCAT, World

# Refusals that name the way out themselves, and hang on more than the state: the purse, the ceiling, the clock, GitHub.
HONEST = frozenset(
    {
        "refused: out of money",
        "refused: out of time",
        "refused: above the ceiling",
        "refused: above_ceiling",
        "refused: too_old",
        "refused: cannot_run_here",
        "refused: too_small",
        "refused: the issue is closed",
    }
)


def type_in_a_copy(world: World, who: Person, line: str) -> str:
    return world.fork().says(who, line)


def lines_work(world: World, who: Person = OCTOCAT) -> None:
    """The line of a halt, and each line that help would offer this person, is taken when it is typed as it stands."""
    view = world.view()
    waiting = view.issue.waiting
    offered = [f"{view.operator.command} {line}".rstrip() for line, _ in can_now(view, world.roles[who.id], False)]
    assert len(offered) <= 5
    if waiting is not None and waiting.line and world.roles[who.id] >= Role.MAINTAIN:
        offered.append(waiting.line)
    for line in dict.fromkeys(offered):
        outcome = type_in_a_copy(world, who, re.sub(r"<[^>]*>", "as it was", line))
        assert not outcome.startswith("refused") or outcome in HONEST, f"{view.issue.phase}: `{line}` {outcome}"
