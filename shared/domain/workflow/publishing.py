"""The end of proof: a ready pull request where everything holds, a draft and a halt where it does not."""

from __future__ import annotations

from shared.domain.evidence import Verdict
from shared.domain.messages import EndedUnproved, OutOf
from shared.domain.money import dollars
from shared.domain.workflow.funds import missing, raising_line
from shared.domain.workflow.halts import halt
from shared.domain.workflow.turn import Turn


def red(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """What keeps a pull request a draft: failed and unproven criteria. A person's call does not."""
    return tuple(each for each in verdicts if each.conclusion in ("failed", "unproven"))


def publish(turn: Turn) -> None:
    """Open the pull request (or bring the one that is open up to date), ready or as a draft."""
    issue = turn.issue
    assert issue.head is not None and issue.branch is not None
    if issue.pull is None or issue.pull.state != "open":
        base = issue.repository.default_branch
        turn.wish("pull", issue.branch, branch=issue.branch, base=base, draft=turn.draft, reviewers=turn.reviewers)
    turn.show()


def publish_or_update(turn: Turn) -> None:
    """After a verdict or an acceptance: where nothing is red any more the pull request becomes ready."""
    if red(turn.issue.verdicts):
        turn.show()
        return
    if turn.issue.phase != "in_review":
        turn.move("in_review", waiting=None, stop_reason="")
    publish(turn)


def end_red(turn: Turn) -> None:
    """No round is left (or no money): keep what is there as a draft, and ask a person."""
    issue = turn.issue
    if issue.head is not None:
        publish(turn)
    if issue.stop_reason in ("out_of_money", "out_of_time"):
        pause(turn, issue.stop_reason)
        return
    verdicts = red(issue.verdicts)
    line = f"{turn.command} revise {verdicts[0].criterion}: <what may differ>" if verdicts else f"{turn.command} resume"
    message = EndedUnproved(to=turn.decider, rounds=issue.round)
    halt(turn, "waiting", "unproved", detail=_names(verdicts), line=line, message=message, job=issue.verified_job)


def pause(turn: Turn, reason: str) -> None:
    """Money or time is used up: one line raises it, and the other with it where that is used up, too."""
    money, ledger = reason == "out_of_money", turn.ledger
    no_money, no_time = missing(turn, ledger) if ledger is not None else (False, False)
    line = raising_line(turn, money=money or no_money, time=not money or no_time)
    message = OutOf(to=turn.decider, what="money" if money else "time", line=line)
    spent = dollars(turn.ledger.spent_nano) if turn.ledger else ""
    halt(turn, "paused", reason, detail=spent, line=line, message=message, job=turn.issue.build)


def _names(verdicts: tuple[Verdict, ...]) -> str:
    return ", ".join(each.criterion for each in verdicts)
