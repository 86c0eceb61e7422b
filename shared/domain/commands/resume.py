"""`/persevere resume`: goes on with the work kept."""

from __future__ import annotations

from shared.domain.commands.command import Command, Facts, Given, no_arguments
from shared.domain.facts import Need
from shared.domain.ledger import Ledger
from shared.domain.messages import NotNow
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.funds import missing, raising_line
from shared.domain.workflow.halts import go_on, rest
from shared.domain.workflow.jobs import start_build, start_verify, stop_job
from shared.domain.workflow.proposing import plan_on
from shared.domain.workflow.publishing import publish_or_update, red
from shared.domain.workflow.turn import Turn

HALTED = frozenset({"paused", "waiting", "stopped", "ended"})


def _needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    return frozenset()


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    revising = issue.phase in ("interviewing", "proposed") and issue.approval is not None
    if issue.phase not in HALTED and not revising:
        turn.reply(NotNow(verb="resume", phase=issue.phase, why="runs"))
        turn.outcome = "refused: nothing is halted"
        return
    if issue.approval is None or (issue.phase == "waiting" and issue.resumable == "proposed"):
        _resume_asking(turn)
        return
    if refuse_funds(turn, "resume"):
        return
    turn.react("rocket")
    turn.change(revision="", revision_by="")
    resume(turn, "")


def refuse_funds(turn: Turn, verb: str, raised: Ledger | None = None) -> bool:
    """Answer and return True when a build could not even begin with what is left, nor with what would be (`raised`). The
    line to type names all that is missing today.
    """
    ledger = turn.ledger
    if ledger is None or not any(missing(turn, raised or ledger)):
        return False
    money, time = missing(turn, ledger)
    why = "out_of_money" if money else "out_of_time"
    turn.reply(NotNow(verb=verb, phase=turn.issue.phase, why=why, line=raising_line(turn, money=money, time=time)))
    turn.outcome = f"refused: {why.replace('_', ' ')}"
    return True


def resume(turn: Turn, message: str) -> None:
    """Take up the work: what is proved goes to review, what was never proved is proved, else it is built on.

    A revision that was under way is given up. Money must be there.
    """
    issue = turn.issue
    stop_job(turn, "resumed")
    rest(turn)
    go_on(turn)
    unproved = issue.head is not None and issue.verified_head != issue.head
    stopped_at_proof = issue.resumable == "verifying" or issue.phase == "waiting"
    turn.change(resumable=None, round=1)
    if issue.head is not None and not unproved and issue.verdicts and not red(issue.verdicts):
        publish_or_update(turn)
        return
    if unproved and stopped_at_proof:
        turn.move("verifying")
        start_verify(turn)
    else:
        turn.move("approved")
        start_build(turn, message=message or "A person said: go on with the work kept.")
    turn.show()


def _resume_asking(turn: Turn) -> None:
    issue = turn.issue
    if issue.phase in ("stopped", "waiting") and issue.resumable == "proposed" and turn.view.spec is not None:
        turn.react("rocket")
        turn.move("proposed", resumable=None)
        if not issue.proposed_posted:
            turn.wish("spec_comment", f"spec-v{issue.version}", version=issue.version)
        turn.deadline("approval", turn.now + turn.view.operator.approval_open_s * 1000)
        turn.show()
        return
    if issue.taken is None:
        turn.reply(NotNow(verb="resume", phase=issue.phase, why="nothing_kept", line=turn.command))
        turn.outcome = "refused: nothing to resume"
        return
    turn.react("rocket")
    turn.move("interviewing")
    plan_on(turn)
    turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    waiting = view.issue.waiting
    if view.issue.phase in HALTED and (waiting is None or not waiting.line or "resume" in waiting.line):
        return "resume", "goes on with the work kept"
    return None


COMMAND = Command(
    verb="resume",
    usage="resume",
    summary="goes on with the work kept",
    role=Role.WRITE,
    run=_run,
    examples=("resume",),
    check=no_arguments,
    needs=_needs,
    offer=_offer,
)
