"""`/persevere accept AC-n [why]`: a person vouches. Shown as accepted, never as proved."""

from __future__ import annotations

import re

from shared.domain.commands.command import Command, Given, Wrong
from shared.domain.evidence import Acceptance, accept
from shared.domain.facts import RoleFact, RoleOf
from shared.domain.messages import BadArguments, NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.publishing import publish_or_update
from shared.domain.workflow.turn import Turn

_CRITERION = re.compile(r"^(AC-\d{1,3})(?:[:,.]?\s+(.*))?$", re.IGNORECASE | re.DOTALL)
PHASES = frozenset({"in_review", "waiting", "paused", "ended"})


def _check(given: Given) -> Wrong | None:
    if not _CRITERION.match(given.arguments):
        return Wrong("name one criterion, such as `AC-2`")
    return None


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    match = _CRITERION.match(given.arguments)
    assert match is not None
    if issue.phase not in PHASES or not issue.verdicts or issue.head is None:
        turn.reply(NotNow(verb="accept", phase=issue.phase, why="not_proved_yet"))
        turn.outcome = "refused: nothing to accept"
        return
    wanted = match[1].upper()
    verdict = next((each for each in issue.verdicts if each.criterion == wanted), None)
    if verdict is None:
        known = ", ".join(each.criterion for each in issue.verdicts)
        why = f"there is no {wanted} in the approved spec; there are {known}"
        turn.reply(BadArguments(verb="accept", why=why, example=f"{turn.command} accept {issue.verdicts[0].criterion}"))
        turn.outcome = "refused: no such criterion"
        return
    if verdict.conclusion in ("proved", "kept"):
        turn.reply(NotNow(verb="accept", phase=issue.phase, why="holds_already"))
        turn.outcome = "refused: holds already"
        return
    role = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    acceptance = Acceptance(
        what=wanted,
        by=turn.sender,
        role=role.role.word if isinstance(role, RoleFact) else "",
        why=(match[2] or given.rest or "").strip()[:500],
        at=turn.now,
        head=issue.head,
    )
    accepted = issue.accepted | {wanted: acceptance}
    verdicts = tuple(accept(each, accepted.get(each.criterion)) for each in issue.verdicts)
    turn.change(accepted=accepted, verdicts=verdicts)
    turn.event("verdict", f"{wanted} accepted by {turn.sender.login}", job=issue.verified_job)
    turn.react("rocket")
    publish_or_update(turn)


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase not in PHASES:
        return None
    open_ones = [each for each in view.issue.verdicts if not each.holds]
    mine = [each for each in open_ones if each.conclusion == "your_call"] or open_ones
    return (f"accept {mine[0].criterion} <why>", "you vouch; shown as accepted, never as proved") if mine else None


COMMAND = Command(
    verb="accept",
    usage="accept AC-2 <why>",
    summary="a person vouches; shown as accepted, never as proved",
    role=Role.WRITE,
    run=_run,
    examples=("accept AC-5", "accept AC-2 CRLF is fine for us"),
    check=_check,
    offer=_offer,
)
