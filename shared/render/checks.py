"""Check runs of one head: the umbrella `Persevere` with its timeline, and one for each criterion with its evidence.

The umbrella is the only one meant to be required. It succeeds only when every criterion is proved, kept or accepted
by name, because GitHub lets neutral through a required check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.evidence import Verdict
from shared.domain.view import View
from shared.render.criteria import current, holding, ids
from shared.render.criterion_check import criterion_checks
from shared.render.forms import count, listed, spent, worked
from shared.render.markdown import plain
from shared.render.reasons import headline
from shared.render.status_working import contract, tried
from shared.render.timeline import all_steps, render_timeline

TITLE_MAX = 60

CheckStatus = Literal["queued", "in_progress", "completed"]
CheckConclusion = Literal["success", "failure", "neutral", "action_required"]


@dataclass(frozen=True, slots=True)
class CheckAction:
    """A button: label at most 20 characters, description 40, identifier 20."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class CheckText:
    """One check run. `slot` names it among ours on a head; times in UTC ms; title at most 60 characters, no Markdown."""

    slot: str
    name: str
    status: CheckStatus
    conclusion: CheckConclusion | None
    title: str
    summary: str
    text: str = ""
    started_at: int | None = None
    completed_at: int | None = None
    actions: tuple[CheckAction, ...] = ()


def render_checks(view: View, now: int) -> tuple[CheckText, ...]:
    """Every run of ours on the newest head: the umbrella first. Only it exists before there is content to prove."""
    return (_umbrella(view, now), *criteria(view, now))


def criteria(view: View, now: int) -> tuple[CheckText, ...]:
    started = view.issue.approval.at if view.issue.approval else None
    runs = []
    for each in criterion_checks(view):
        done = each.conclusion is not None
        runs.append(
            CheckText(
                slot=each.criterion,
                name=f"Persevere / {each.criterion}",
                status="completed" if done else "in_progress",
                conclusion=each.conclusion,
                title=clip_title(each.title),
                summary=each.summary,
                started_at=started,
                completed_at=(view.issue.touched_at or now) if done else None,
            )
        )
    return tuple(runs)


def clip_title(title: str) -> str:
    return plain(title, TITLE_MAX)


def _umbrella(view: View, now: int) -> CheckText:
    conclusion, title = _state(view)
    approval = view.issue.approval
    return CheckText(
        slot="timeline",
        name="Persevere",
        status="in_progress" if conclusion is None else "completed",
        conclusion=conclusion,
        title=clip_title(title),
        summary=render_timeline(view, title),
        text=all_steps(view),
        started_at=approval.at if approval else None,
        completed_at=None if conclusion is None else (view.issue.touched_at or now),
    )


def _state(view: View) -> tuple[CheckConclusion | None, str]:
    """(conclusion, title) of the umbrella; no conclusion while something runs."""
    issue = view.issue
    verdicts = current(view)
    match issue.phase:
        case "approved":
            return None, "Approved, waiting for a machine"
        case "building":
            return None, _building(view, verdicts)
        case "verifying":
            record = contract(view)
            number = len(record.spec.criteria) if record else 0
            what = count(number, "criterion", "criteria") if number else "every criterion"
            return None, f"Proving {what} in a fresh container"
        case "paused" | "stopped" if not _all_hold(verdicts):
            return "action_required", _halted(view, verdicts)
        case _:
            return _judged(view, verdicts)


def _building(view: View, verdicts: Sequence[Verdict]) -> str:
    ledger = view.ledger
    money = f" · {spent(ledger)} · {worked(ledger)}" if ledger else ""
    failed = ids(verdicts, "failed", "unproven")
    if failed and view.issue.round > 1:
        return f"Repairing {_few(failed)}{money}"
    done = tried(view)
    record = contract(view)
    open_ones = [each.id for each in record.spec.criteria if each.check and not done.get(each.id)] if record else []
    return f"Building {open_ones[0] if open_ones and done else ''}".rstrip() + money


def _few(names: Sequence[str]) -> str:
    return listed(list(names)) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"


def _all_hold(verdicts: Sequence[Verdict]) -> bool:
    return bool(verdicts) and all(verdict.holds for verdict in verdicts)


def _halted(view: View, verdicts: Sequence[Verdict]) -> str:
    halt = view.issue.waiting
    at = f" at {holding(verdicts)} of {len(verdicts)}" if verdicts else ""
    if view.issue.phase == "stopped":
        return f"Stopped by {halt.whose if halt and halt.whose else 'a person'}{at}"
    words = headline(halt, view).split(",")[0] if halt else "for a person"
    words = words.replace("the money is", "money").replace("the time is", "time")
    return f"Paused: {words}{at}"


def _judged(view: View, verdicts: Sequence[Verdict]) -> tuple[CheckConclusion, str]:
    issue = view.issue
    if not verdicts:
        halt = issue.waiting
        words = headline(halt, view) if halt else "this commit is not proved"
        return "action_required", f"Not proved: {words}"
    if _all_hold(verdicts):
        accepted = len(ids(verdicts, "accepted"))
        by_word = f", {accepted} of them accepted by name" if accepted else ""
        total = len(verdicts)
        hold = "holds" if total == 1 else "hold"
        return "success", f"{total} of {count(total, 'criterion', 'criteria')} {hold}{by_word}"
    failed, unproven = ids(verdicts, "failed"), ids(verdicts, "unproven", "already_true")
    yours = ids(verdicts, "your_call")
    if failed:
        head = (issue.head or "")[:7]
        return "failure", f"{_few(failed)} {'fails' if len(failed) == 1 else 'fail'} on {head}"
    if unproven:
        return "action_required", f"{_few(unproven)} {'is' if len(unproven) == 1 else 'are'} unproven · fix or accept"
    are = "is" if len(yours) == 1 else "are"
    return "action_required", f"{holding(verdicts)} of {len(verdicts)} hold · {_few(yours)} {are} your call"
