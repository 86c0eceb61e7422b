"""`/persevere extend +$2 +20m`: raises the limit and goes on."""

from __future__ import annotations

import re

from shared.domain.commands.command import Command, Given, Wrong
from shared.domain.commands.resume import HALTED, refuse_funds, resume
from shared.domain.ledger import raise_limit
from shared.domain.messages import AboveCeiling, NotNow
from shared.domain.money import dollars, minutes, parse_dollars, parse_seconds
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.ceilings import more_for
from shared.domain.workflow.turn import Turn

_UNIT = re.compile(r"(\d)\s+(m|h)(?=[a-z]*(?:\s|$))", re.IGNORECASE)
"""Between a number and its unit people leave a blank or none."""


def _amounts(given: Given) -> tuple[int, int] | str:
    """(nano, seconds), or the word that is no amount."""
    nano = seconds = 0
    for word in _UNIT.sub(r"\1\2", given.arguments).split():
        money, time = parse_dollars(word), parse_seconds(word)
        if money is not None:
            nano += money
        elif time is not None:
            seconds += time
        else:
            return word
    return nano, seconds


def _check(given: Given) -> Wrong | None:
    amounts = _amounts(given)
    if isinstance(amounts, str):
        return Wrong(f"`{amounts}` is no amount; `+$2` and `+20m` are")
    if amounts == (0, 0):
        return Wrong("say by how much")
    return None


def _run(turn: Turn, given: Given) -> None:
    issue, ledger, operator = turn.issue, turn.ledger, turn.view.operator
    if issue.approval is None or ledger is None:
        turn.reply(NotNow(verb="extend", phase=issue.phase, why="no_approval", line=turn.command))
        turn.outcome = "refused: no approval"
        return
    amounts = _amounts(given)
    assert not isinstance(amounts, str)
    nano, seconds = amounts
    if ledger.limit_nano + nano > operator.ceiling_nano or ledger.limit_seconds + seconds > operator.ceiling_seconds:
        money_over = ledger.limit_nano + nano > operator.ceiling_nano
        asked = dollars(ledger.limit_nano + nano) if money_over else f"{minutes(ledger.limit_seconds + seconds)} min"
        top = dollars(operator.ceiling_nano) if money_over else f"{minutes(operator.ceiling_seconds)} min"
        turn.reply(AboveCeiling(asked=asked, ceiling=top, line=""))
        turn.outcome = "refused: above the ceiling"
        return
    job = turn.job(issue.job)
    full = more_for(turn, job, nano) if job is not None and nano else None
    if full is not None:
        per = "a month" if full.per == "month" else "a day"
        turn.reply(AboveCeiling(asked=dollars(full.taken + full.asked), ceiling=dollars(full.limit), line="", per=per))
        turn.outcome = "refused: above the ceiling"
        return
    raised = raise_limit(ledger, nano, seconds)
    if issue.phase in HALTED and refuse_funds(turn, "extend", raised):
        return  # more time for no money, or the other way round: a machine would be started for nothing
    turn.react("rocket")
    turn.ledger = raised
    turn.event("money", f"limit raised to {dollars(turn.ledger.limit_nano)} by {turn.sender.login}")
    if issue.phase in HALTED:
        resume(turn, "A person raised the limit: go on with the work kept.")
    else:
        turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    return ("extend +$1", "raises the limit and goes on") if view.issue.phase == "paused" else None


COMMAND = Command(
    verb="extend",
    usage="extend +$2 +20m",
    summary="raises the limit and goes on",
    role=Role.MAINTAIN,
    run=_run,
    examples=("extend +$2", "extend +20m", "extend +$2 +20m"),
    check=_check,
    offer=_offer,
)
