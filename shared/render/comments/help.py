"""`help`: what this person can do now, the rest folded; made from the table of commands."""

from __future__ import annotations

from shared.domain.commands.command import Command
from shared.domain.commands.table import COMMANDS, can_now
from shared.domain.issue import PHASES
from shared.domain.messages import Help
from shared.domain.view import View
from shared.render.forms import login
from shared.render.markdown import cell, cell_code, fold, paragraphs, table


def help_now(message: Help, view: View) -> str:
    issue, command = view.issue, view.operator.command
    requester = issue.requester is not None and issue.requester.id == message.who.id
    rows = [
        (cell_code(f"{command} {line}".rstrip()), cell(does)) for line, does in can_now(view, message.role, requester)
    ]
    state = f"spec v{issue.version} waits for approval" if issue.phase == "proposed" else PHASES[issue.phase]
    access = f"{login(message.who)} has {message.role.word} access"
    first = f"**You can now** ({state}; {access})" if rows else f"**Nothing to type now** ({state}; {access})"
    return paragraphs(
        first,
        table(("Type", "What happens"), rows) if rows else "",
        "Write the command as the first line of a new comment. Anything under it is read as your words.",
        fold("All commands", all_commands(command)),
    )


def all_commands(prefix: str) -> str:
    """Every command of this version as a table: how it is typed, what happens, who may."""
    rows = [(_typed(each, prefix), cell(each.summary, 80), who_may(each)) for each in COMMANDS]
    return table(("Type", "What happens", "Who"), rows)


def _typed(command: Command, prefix: str) -> str:
    return cell_code(f"… {command.usage}") if command.usage else cell_code(prefix)


def who_may(command: Command) -> str:
    return f"{command.role.word}, or who asked" if command.requester else command.role.word
