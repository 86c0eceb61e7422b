"""`/persevere revise TEXT`: the next version of the spec. During a build the build stops and its work is kept."""

from __future__ import annotations

import re

from shared.domain.commands.command import Command, Given, Wrong
from shared.domain.commands.starting import refuse_settings
from shared.domain.messages import NotNow
from shared.domain.money import parse_dollars, parse_seconds
from shared.domain.people import Role
from shared.domain.spec import SpecLimits
from shared.domain.view import View
from shared.domain.workflow.halts import drop_planner
from shared.domain.workflow.jobs import stop_job
from shared.domain.workflow.proposing import plan_on, put_version
from shared.domain.workflow.turn import Turn

_BUDGET = re.compile(r"^budget\s+(\S+)$", re.IGNORECASE)
_TIME = re.compile(r"^time\s+(\S+(?:\s?min)?)$", re.IGNORECASE)


def _check(given: Given) -> Wrong | None:
    if not given.text:
        return Wrong("say what shall change")
    budget, time = _BUDGET.match(given.arguments), _TIME.match(given.arguments)
    if budget and not parse_dollars(budget[1]):
        return Wrong(f"`{budget[1]}` is no amount of money; `$2` or `$2.50` is")
    if time and not parse_seconds(time[1]):
        return Wrong(f"`{time[1]}` is no time; `30m` or `1h` is")
    return None


def _run(turn: Turn, given: Given) -> None:
    issue, spec = turn.issue, turn.view.spec
    if spec is None or issue.phase in ("idle", "done"):
        turn.reply(NotNow(verb="revise", phase=issue.phase, why="no_spec", line=f"{turn.command} plan"))
        turn.outcome = "refused: no spec"
        return
    if refuse_settings(turn):
        return
    turn.react("eyes")
    if issue.approval is not None:
        turn.change(resumable="building")
    limits = _only_limits(given, spec.spec.limits)
    job = turn.job(issue.job)
    looking = job is not None and job.purpose == "brief" and limits is None
    if not looking:  # a first look at the repository goes on: the planner waits for it anyway
        stop_job(turn, "revise")
    turn.move("interviewing", revision=given.text[:4000], revision_by=turn.sender.login, mode="plan")
    turn.deadline("approval", None)
    if limits is not None:
        drop_planner(turn)
        put_version(turn, spec.spec.model_copy(update={"version": issue.version + 1, "limits": limits}))
    elif not looking:
        plan_on(turn)
    turn.show()


def _only_limits(given: Given, limits: SpecLimits) -> SpecLimits | None:
    """A change of nothing but money or time needs no model."""
    budget, time = _BUDGET.match(given.arguments), _TIME.match(given.arguments)
    nano = parse_dollars(budget[1]) if budget else None
    seconds = parse_seconds(time[1]) if time else None
    if given.rest or (nano is None and seconds is None):
        return None
    return SpecLimits(nano=nano or limits.nano, seconds=seconds or limits.seconds)


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase == "proposed":
        return "revise <what>", f"makes v{view.issue.version + 1}; nothing starts"
    return None


COMMAND = Command(
    verb="revise",
    usage="revise <what>",
    summary="next version of the spec; a running build stops, its work is kept",
    role=Role.WRITE,
    run=_run,
    examples=("revise AC-3: warn instead of exit 2", "revise budget $2"),
    check=_check,
    offer=_offer,
)
