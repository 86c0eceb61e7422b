"""What an inbound wants before it can be decided: facts of GitHub, and outcomes of our own that are on their way.

Facts are asked for again with what is known, until nothing is new.
"""

from __future__ import annotations

from shared.domain.commands.command import Facts
from shared.domain.facts import Need, RoleOf
from shared.domain.inbound import Inbound
from shared.domain.view import View
from shared.domain.workflow.on_box import box_needs
from shared.domain.workflow.on_command import command_needs


def needs(view: View, inbound: Inbound, facts: Facts) -> frozenset[Need]:
    """Everything wanted, including what is known already. Pure."""
    if inbound.sender is None:
        return frozenset()
    match inbound.kind:
        case "command":
            return command_needs(view, inbound, facts)
        case "box":
            return box_needs(view, inbound, facts)
        case "answer" | "near_miss":
            return frozenset({RoleOf(inbound.sender.id, inbound.sender.login)})
        case _:
            return frozenset()


def awaited_outcome(view: View, inbound: Inbound) -> str:
    """The slot whose outcome tells what this inbound is about, while that outcome is under way; "" when none is.

    A person may tick the box of a spec that stands on GitHub before its comment's id has come back to us.
    """
    slot = f"spec-v{view.issue.version}"
    known = {remote.id for name, remote in view.issue.slots.items() if name.startswith("spec-v")}
    under_way = view.issue.phase == "proposed" and slot not in view.issue.slots
    is_new = inbound.comment is not None and inbound.comment.id not in known
    return slot if inbound.kind == "box" and under_way and is_new else ""
