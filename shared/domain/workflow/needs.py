"""Which facts of GitHub an inbound wants before it can be decided. Asked again with what is known, until nothing is new."""

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
