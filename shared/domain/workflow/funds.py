"""Whether a build could begin with what is left of money and time, and the one line that raises what is missing."""

from __future__ import annotations

from shared.domain.chosen import chosen_model
from shared.domain.ledger import Ledger
from shared.domain.workflow.turn import Turn


def missing(turn: Turn, ledger: Ledger) -> tuple[bool, bool]:
    """Whether money and time are missing."""
    smallest = turn.view.operator.smallest_step(chosen_model(turn.issue, turn.view.operator))
    return ledger.building_nano <= smallest, ledger.building_seconds <= 0


def raising_line(turn: Turn, *, money: bool, time: bool) -> str:
    """What to type for more of both."""
    return " ".join([turn.command, "extend", *["+$1"] * money, *["+20m"] * time])
