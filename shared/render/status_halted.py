"""The status of a halt and of an end: waiting, paused, stopped, ended, done. Each offers one line to type."""

from __future__ import annotations

from shared.domain.issue import Waiting
from shared.domain.view import View
from shared.render.criteria import current, summary, tally
from shared.render.forms import clock, count, login, moment, sentence, short, turn, when
from shared.render.links import pull_link
from shared.render.markdown import code, command_fence, paragraphs, prose
from shared.render.reasons import TOLD, headline
from shared.render.status_asking import asking_cost, asleep
from shared.render.status_working import limits_line


def decider(view: View) -> str:
    """Who is asked: who approved, else who asked for the work."""
    issue = view.issue
    return login(issue.approval.by) if issue.approval else login(issue.requester)


def _whose(view: View, halt: Waiting) -> str:
    """A halt with a line to type is somebody's turn; one without is nobody's, and one that the clock ends neither."""
    if _again(view) is not None:
        return turn(login(halt.whose))
    return turn(login(halt.whose) or (decider(view) if halt.line else ""))


def _again(view: View) -> int | None:
    """When a halt ends by itself (UTC ms): a provider is tried again."""
    return view.issue.deadlines.get("provider") if view.issue.phase == "waiting" else None


def _by_itself(view: View) -> str:
    """The next try, and what goes on at once: the same model, or another one."""
    at, job, halt = _again(view), view.build, view.issue.waiting
    if at is None or halt is None:
        return ""
    other = view.operator.instead_of(job.model if job is not None else view.operator.model)
    line = f"{view.operator.command} model {other}" if other else halt.line
    how = "with another provider" if other else "all the same"
    return f"The clock stands still; next try by myself at {clock(at)}. To go on now {how}: `{line}`"


def _money(view: View) -> str:
    return limits_line(view) if view.ledger is not None else asking_cost(view)


def _kept(view: View) -> str:
    issue = view.issue
    if issue.pull is not None and issue.pull.state == "open":
        holds = f": {summary(current(view))}" if current(view) else ""
        draft = "Draft " if issue.pull.draft else ""
        return f"{draft}{pull_link(view)} holds the work{holds}."
    if issue.branch and issue.head:
        return f"The work is kept on {code(issue.branch)} at {short(issue.head)}."
    return "The work is kept." if issue.build else ""


def _halted(view: View, now: int, word: str) -> str:
    halt = view.issue.waiting or Waiting(reason="")
    since = f"Since {moment(halt.since, now)}. " if halt.since else ""
    told = sentence(prose(halt.detail, 300)) or TOLD.get(halt.reason, "")
    return paragraphs(
        f"**{word}: {headline(halt, view)}** · {_whose(view, halt)}",
        f"{since}{f'{told} ' if told else ''}{_kept(view)}".strip(),
        _by_itself(view) or (command_fence(halt.line) if halt.line else ""),
        _money(view),
    ).rstrip()


def waiting(view: View, now: int) -> str:
    if view.issue.waiting is not None and view.issue.waiting.reason == "asleep":
        return asleep(view)
    return _halted(view, now, "Waiting")


def paused(view: View, now: int) -> str:
    return _halted(view, now, "Paused")


def ended(view: View, now: int) -> str:
    return _halted(view, now, "Ended")


def stopped(view: View, now: int) -> str:
    issue = view.issue
    halt = issue.waiting or Waiting(reason="stopped")
    by = login(halt.whose)
    line = halt.line or f"{view.operator.command} resume"
    at = f" {when(halt.since, now)}" if halt.since else ""
    who = f" by {by}" if by else ""
    if halt.reason == "closed":
        return paragraphs(
            "**Stopped: the issue was closed** · nobody's turn",
            f"It was closed{who}{at}. Nothing runs. {_kept(view)}".rstrip(),
            f"To go on: reopen the issue, then `{line}`",
            _money(view),
        ).rstrip()
    step = f" at {prose(halt.detail, 40)}" if halt.detail else ""
    first = "**Stopped, and the issue is open again**" if halt.reason == "reopened" else f"**Stopped{who}{step}**"
    since = f"{moment(halt.since, now)}. " if halt.since else ""
    rest = "Nothing runs and nothing is spent any more; an answer that was under way is thrown away."
    return paragraphs(
        f"{first} · nobody's turn",
        f"{since}{rest} {_kept(view)}".rstrip(),
        f"{_money(view)} · to go on from here:",
        command_fence(line),
    ).rstrip()


def done(view: View, now: int) -> str:
    issue = view.issue
    halt = issue.waiting or Waiting(reason="merged")
    by = f" by {login(halt.whose)}" if halt.whose else ""
    at = f" {when(halt.since, now)}" if halt.since else ""
    verdicts = issue.verdicts
    told = f"{count(len(verdicts), 'criterion', 'criteria')}: {tally(verdicts)}. " if verdicts else ""
    return paragraphs(f"**Done** · {pull_link(view)} was merged{by}{at}", f"{told}{_money(view)}").rstrip()


def closed_unmerged(view: View, now: int) -> str:
    halt = view.issue.waiting or Waiting(reason="pull_closed")
    by = f" by {login(halt.whose)}" if halt.whose else ""
    at = f" {when(halt.since, now)}" if halt.since else ""
    return paragraphs(
        "**Closed without merging** · nobody's turn",
        f"{pull_link(view)} was closed{by}{at}. Everything has ended, the branch is kept. To start over from the approved "
        "spec:",
        command_fence(halt.line or f"{view.operator.command} retry"),
        _money(view),
    ).rstrip()
