"""A command of a person: is it one, may they, does it make sense; then its own module does the rest."""

from __future__ import annotations

from shared.domain.commands.command import Command, Facts, Given, Wrong
from shared.domain.commands.table import BY_VERB, nearest
from shared.domain.facts import Need, RoleFact, RoleOf, Unknown
from shared.domain.inbound import Inbound
from shared.domain.issue import MOVES
from shared.domain.messages import BadArguments, NotAllowed, NotNow, RoleUnknown, StartFirst, UnknownVerb
from shared.domain.money import minutes
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.turn import Turn

LATE_S = 300  # a command that was found so much later is carried out, and it is said how late


def given_of(inbound: Inbound) -> Given:
    """The command as the door read it."""
    data = inbound.data
    return Given(str(data.get("verb", "")), str(data.get("arguments", "")), str(data.get("rest", "")))


def command_needs(view: View, inbound: Inbound, facts: Facts) -> frozenset[Need]:
    """The sender's role, and what the command itself wants once that role is there."""
    assert inbound.sender is not None
    role_need = RoleOf(inbound.sender.id, inbound.sender.login)
    needs: set[Need] = {role_need}
    given = given_of(inbound)
    command = BY_VERB.get(given.verb)
    role = facts.get(role_need)
    if (
        command is not None
        and isinstance(role, RoleFact)
        and role.role >= command.role
        and command.check(given) is None
    ):
        needs |= command.needs(view, given, facts)
    return frozenset(needs)


def on_command(turn: Turn) -> None:
    """Run it, or answer why not. Strangers on public repositories get a thumbs down and are counted."""
    given = given_of(turn.inbound)
    command = BY_VERB.get(given.verb)
    fact = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    if isinstance(fact, Unknown):
        _role_unknown(turn, given, fact)
        return
    assert isinstance(fact, RoleFact)
    requester = turn.issue.requester is not None and turn.issue.requester.id == turn.sender.id
    if fact.role < Role.TRIAGE and not requester:
        _refuse_stranger(turn, given, command, fact)
        return
    if command is None:
        line = nearest(given.verb, turn.view)
        turn.reply(UnknownVerb(word=given.verb[:40], line=f"{turn.command} {line}".rstrip() if line else ""))
        turn.outcome = "refused: no such command"
        return
    if fact.role < command.role and not (command.requester and requester):
        _refuse_role(turn, command, fact)
        return
    if not turn.issue.started and command.role < Role.WRITE and fact.role < Role.WRITE:
        turn.reply(StartFirst(verb=command.verb))
        turn.outcome = "refused: nobody with write access has started"
        return
    wrong = command.check(given)
    if isinstance(wrong, Wrong):
        example = f"{turn.command} {command.examples[0]}".rstrip()
        turn.reply(BadArguments(verb=command.verb, why=wrong.why, example=example))
        turn.outcome = "refused: arguments"
        return
    if command.phases is not None and turn.issue.phase not in command.phases:
        turn.reply(NotNow(verb=command.verb, phase=turn.issue.phase, why="phase", line=_instead(turn)))
        turn.outcome = f"refused: not while {turn.issue.phase}"
        return
    if turn.inbound.data.get("issue_state") == "closed" and command.role >= Role.WRITE:
        turn.reply(NotNow(verb=command.verb, phase=turn.issue.phase, why="closed"))
        turn.outcome = "refused: the issue is closed"
        return
    turn.event("command", f"{turn.sender.login}: {command.verb or turn.command}")
    command.run(turn, given)
    if turn.inbound.late_s >= LATE_S:
        turn.note("late", who=turn.sender.login, text=str(minutes(turn.inbound.late_s)))


def _instead(turn: Turn) -> str:
    waiting = turn.issue.waiting
    if waiting is not None and waiting.line:
        return waiting.line
    return turn.command if MOVES[turn.issue.phase] else ""


def _refuse_stranger(turn: Turn, given: Given, command: Command | None, fact: RoleFact) -> None:
    turn.outcome = "refused: no role"
    if turn.issue.repository.private:
        needed = command.role if command else Role.TRIAGE
        who = turn.sender.login
        message = NotAllowed(verb=given.verb, who=who, role=fact.role, needed=needed, checked_at=turn.now)
        turn.reply(message, reaction="-1")
    else:
        turn.react("-1")
    if turn.issue.started:
        turn.change(left_out_commands=turn.issue.left_out_commands + 1)
        turn.wish("status", "status")


def _refuse_role(turn: Turn, command: Command, fact: RoleFact) -> None:
    turn.outcome = "refused: role"
    message = NotAllowed(
        verb=command.verb, who=turn.sender.login, role=fact.role, needed=command.role, checked_at=turn.now
    )
    turn.reply(message, reaction="-1")


def _role_unknown(turn: Turn, given: Given, fact: Unknown) -> None:
    turn.outcome = "refused: role unknown"
    turn.reply(RoleUnknown(verb=given.verb, why=fact.why, since=turn.inbound.received, until=turn.now))
