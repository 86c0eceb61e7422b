"""All commands of this version, and what somebody can type now. Help and the README's table are made from it."""

from __future__ import annotations

import difflib

from shared.domain.commands import (
    accept,
    approve,
    bare,
    extend,
    help,
    include,
    interview,
    model,
    plan,
    resume,
    retry,
    revise,
    say,
    spec,
    status,
    stop,
    verify,
)
from shared.domain.commands.command import Command
from shared.domain.people import Role
from shared.domain.view import View

COMMANDS: tuple[Command, ...] = tuple(
    module.COMMAND
    for module in (
        bare,
        interview,
        plan,
        approve,
        revise,
        spec,
        say,
        stop,
        resume,
        retry,
        extend,
        model,
        accept,
        include,
        verify,
        status,
        help,
    )
)

BY_VERB: dict[str, Command] = {command.verb: command for command in COMMANDS}

# Near-synonyms of one word: the right line is offered, never guessed.
MEANT: dict[str, str] = {
    "start": "",
    "go": "",
    "run": "",
    "begin": "",
    "cancel": "stop",
    "abort": "stop",
    "halt": "stop",
    "kill": "stop",
    "continue": "resume",
    "proceed": "resume",
    "restart": "retry",
    "again": "retry",
    "yes": "approve",
    "ok": "approve",
    "lgtm": "approve",
    "accept-spec": "approve",
    "change": "revise",
    "edit": "revise",
    "update": "revise",
    "tell": "say",
    "ask": "say",
    "prove": "verify",
    "test": "verify",
    "check": "verify",
    "show": "spec",
    "question": "interview",
    "questions": "interview",
    "more": "extend",
    "budget": "extend",
    "state": "status",
    "commands": "help",
    "?": "help",
}


def nearest(word: str, view: View) -> str:
    """The line (without prefix) that an unknown word probably meant, or "" for none near. " " is the bare command."""
    verb: str | None = MEANT.get(word)
    if verb is None:
        near = difflib.get_close_matches(word, [each for each in BY_VERB if each], n=1, cutoff=0.6)
        verb = near[0] if near else None
    if verb is None:
        return ""
    return line_of(verb, view) or " "


def line_of(verb: str, view: View) -> str:
    """How a verb is typed now, with the newest version where it takes one."""
    command = BY_VERB[verb]
    offered = command.offer(view)
    if offered is not None:
        return offered[0]
    if verb == "approve":
        return f"approve v{max(1, view.issue.version)}"
    return command.examples[0]


def can_now(view: View, role: Role, requester: bool) -> list[tuple[str, str]]:
    """At most five (line, what happens) that this person can do in this state, most useful first."""
    rows = []
    for command in COMMANDS:
        if role < command.role and not (command.requester and requester):
            continue
        offered = command.offer(view)
        if offered is not None:
            rows.append(offered)
    return rows[:5]
