"""The one place where anything is decided: a view, an inbound and facts go in, one transaction comes out. Pure."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.commands.command import Facts
from shared.domain.inbound import Inbound, InboundKind
from shared.domain.issue import MOVES
from shared.domain.messages import Fault
from shared.domain.money import dollars
from shared.domain.record import Key
from shared.domain.view import View
from shared.domain.workflow.halts import halt
from shared.domain.workflow.hearing import on_answer, on_near_miss
from shared.domain.workflow.jobs import stop_job
from shared.domain.workflow.on_box import on_box
from shared.domain.workflow.on_command import on_command
from shared.domain.workflow.on_deadline import on_deadline, on_task
from shared.domain.workflow.on_github import on_issue, on_pull
from shared.domain.workflow.on_job import on_job
from shared.domain.workflow.on_outcome import on_outcome
from shared.domain.workflow.on_planner import on_planner
from shared.domain.workflow.turn import Decision, Fresh, Turn, compile_turn


def _note_only(turn: Turn) -> None:
    """Kinds that this version takes in but does not act on are kept with that word."""
    turn.outcome = f"ignored: {turn.inbound.kind} {turn.inbound.action}".rstrip()


HANDLERS: dict[InboundKind, Callable[[Turn], None]] = {
    "command": on_command,
    "near_miss": on_near_miss,
    "box": on_box,
    "answer": on_answer,
    "issue": on_issue,
    "pull": on_pull,
    "job": on_job,
    "planner": on_planner,
    "outcome": on_outcome,
    "deadline": on_deadline,
    "task": on_task,
    "check": _note_only,
    "push": _note_only,
    "meeting": _note_only,
    "installation": _note_only,
}

FRESH_JOBS = 3
FRESH_ULIDS = 6


def decide(view: View, inbound: Inbound, key: Key, version: int, facts: Facts, now: int, fresh: Fresh) -> Decision:
    """What this inbound leads to. `key` and `version` are the inbound record's, `now` UTC ms.

    Equal arguments give equal decisions; a repeat of one inbound wishes the same effects by the same names.
    """
    turn = Turn(view, inbound, key, version, facts, now, fresh)
    HANDLERS[inbound.kind](turn)
    return compile_turn(turn)


def decide_fault(view: View, inbound: Inbound, key: Key, version: int, now: int, fresh: Fresh, number: str) -> Decision:
    """Our own fault, after some tries: the inbound is set aside, what runs is stopped, a person hears the number."""
    turn = Turn(view, inbound, key, version, {}, now, fresh)
    turn.outcome = f"fault {number}"
    known = view.issue.started
    step = view.lease.step if view.lease else 0
    spent = dollars(turn.ledger.spent_nano) if turn.ledger else "$0.00"
    line = f"{turn.command} resume" if known else turn.command
    message = Fault(to=turn.decider, number=number, step=step, spent=spent, line=line)
    if not known or "waiting" not in MOVES[view.issue.phase]:
        turn.say(f"fault-{number}", message)
        return compile_turn(turn)
    stop_job(turn, "fault")
    halt(turn, "waiting", "fault", detail=number, line=line, message=message)
    return compile_turn(turn)
