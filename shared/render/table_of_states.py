"""The README's tables of states and commands, made from the same tables that the code runs on."""

from __future__ import annotations

from shared.domain.commands.table import COMMANDS
from shared.domain.issue import MOVES, PHASES
from shared.render.comments.help import who_may
from shared.render.markdown import cell, cell_code, table


def render_states() -> str:
    """Each state of an issue: what it means to people, and what may follow."""
    rows = [
        (cell_code(phase), cell(words, 80), ", ".join(cell_code(each) for each in PHASES if each in MOVES[phase]))
        for phase, words in PHASES.items()
    ]
    return table(("State", "In words", "Goes to"), rows) + "\n"


def render_commands(prefix: str = "/persevere") -> str:
    """Each command of this version: how it is typed, what happens, who may."""
    rows = [
        (cell_code(f"{prefix} {command.usage}".rstrip()), cell(command.summary, 80), who_may(command))
        for command in COMMANDS
    ]
    return table(("Command", "What happens", "Who"), rows) + "\n"
