"""`/persevere say TEXT`: a word to the agent at work. Never a change of the contract."""

from __future__ import annotations

import re

from shared.domain import keys
from shared.domain.commands.command import Command, Given, Wrong
from shared.domain.messages import ContractChange, NotNow
from shared.domain.people import Role
from shared.domain.record import ABSENT, Put, Record
from shared.domain.step import Said
from shared.domain.view import View
from shared.domain.visible_text import visible
from shared.domain.workflow.turn import Turn

MAX_TEXT = 4000

_CHANGE = re.compile(
    r"\b(instead|change|drop|skip|remove|ignore|weaken|loosen|relax|replace|rather|not needed|no longer|without|"
    r"don't need|do not need|may differ|optional)\b",
    re.IGNORECASE,
)
_CRITERION = re.compile(r"\bAC-\d{1,3}\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(budget|limit|more money|more time)\b|[$]\s?\d", re.IGNORECASE)
_SCOPE = re.compile(r"\b(out of scope|new criterion|also (?:build|add|implement))\b", re.IGNORECASE)


def touches_contract(text: str) -> str:
    """What of the approved contract a sentence would change, in words, or "" when it steers only.

    Errs to the side of asking: naming a criterion together with a word of change is taken as a wish to change it.
    """
    criterion = _CRITERION.search(text)
    if criterion and _CHANGE.search(text):
        return criterion[0].upper()
    if _LIMIT.search(text):
        return "the limits"
    if _SCOPE.search(text):
        return "the scope"
    return ""


def _check(given: Given) -> Wrong | None:
    if not given.text:
        return Wrong("say what the agent shall hear")
    if len(given.text) > MAX_TEXT:
        return Wrong(f"{len(given.text)} characters are too many, {MAX_TEXT} can be passed on")
    return None


def _run(turn: Turn, given: Given) -> None:
    job = turn.job(turn.issue.job)
    if job is None or job.kind not in ("build", "fix"):
        line = f"{turn.command} resume" if turn.issue.phase in ("waiting", "paused", "stopped") else f"{turn.command}"
        turn.reply(NotNow(verb="say", phase=turn.issue.phase, why="no_agent", line=line))
        turn.outcome = "refused: no agent at work"
        return
    touches = touches_contract(given.text)
    if touches:
        first = given.text.split("\n")[0][:200]
        turn.reply(ContractChange(touches=touches, line=f"{turn.command} revise {first}"))
        turn.outcome = "refused: contract"
        return
    said = Said(by=turn.sender.login, text=visible(given.text).text, at=turn.now)
    key = keys.inbox(job.id, turn.ulid())
    turn.records.append(Put(Record(key, "inbox", said.model_dump(mode="json")), ABSENT))
    turn.react("rocket")
    turn.event("command", f"{turn.sender.login}: passed on", job=job.id)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    at_work = view.job is not None and view.job.kind in ("build", "fix")
    return ("say <text>", "a word to the agent at work") if at_work else None


COMMAND = Command(
    verb="say",
    usage="say <text>",
    summary="a word to the agent at work",
    role=Role.TRIAGE,
    run=_run,
    examples=("say use the csv module",),
    requester=True,
    check=_check,
    offer=_offer,
)
