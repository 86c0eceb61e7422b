"""The check of one criterion, with the evidence itself inside: a reader needs no other page to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from shared.domain.evidence import Side, Verdict
from shared.domain.protocol import Observation, Run
from shared.domain.spec import Criterion
from shared.domain.view import View
from shared.render.criteria import OWN_TEST, current, outcome, word
from shared.render.forms import clock, count, login, short, took
from shared.render.markdown import cell, clip_middle, code, fence, fold, one_line, paragraphs, printable, prose, table
from shared.render.status_working import contract
from shared.render.timeline import where

TAIL_MAX = 6000
RUN_MAX = 2000


@dataclass(frozen=True, slots=True)
class CriterionText:
    """What one criterion's check says. No conclusion: it is being proved."""

    criterion: str
    conclusion: Literal["success", "failure", "neutral"] | None
    title: str
    summary: str


def criterion_checks(view: View) -> tuple[CriterionText, ...]:
    """One text a criterion, in the spec's order; none before there is a commit with content to prove."""
    record = contract(view)
    if record is None or view.issue.head is None:
        return ()
    seen = {verdict.criterion: verdict for verdict in current(view)}
    return tuple(
        _judged(view, each, seen[each.id]) if each.id in seen else _open(view, each) for each in record.spec.criteria
    )


def _open(view: View, criterion: Criterion) -> CriterionText:
    """Not judged on this head: being proved now, or not at all."""
    if view.issue.phase == "verifying":
        summary = paragraphs(f"**{criterion.id} is being proved** on {short(view.issue.head or '')}.", where(view))
        return CriterionText(criterion.id, None, f"proving · {one_line(criterion.text)}", summary)
    words = "this commit has not been proved"
    summary = paragraphs(
        f"**{criterion.id} unproven: {words}**",
        f"The proof on {short(view.issue.head or '')} did not come to an end. That is not red and not green.",
        f"Whose turn: see the status of #{view.issue.number}.",
    )
    return CriterionText(criterion.id, "neutral", f"unproven · {words}", summary)


def _judged(view: View, criterion: Criterion, verdict: Verdict) -> CriterionText:
    summary = paragraphs(
        f"**{verdict.criterion} {_headline(verdict)}**",
        _sides(view, verdict),
        _output(verdict),
        _meaning(view, verdict),
        _origin(criterion, verdict),
        _findings(view, verdict),
        _runs(view, verdict),
        f"{where(view)}",
    )
    return CriterionText(verdict.criterion, _conclusion(verdict), _title(verdict), summary)


def _conclusion(verdict: Verdict) -> Literal["success", "failure", "neutral"]:
    match verdict.conclusion:
        case "proved" | "kept" | "accepted":
            return "success"
        case "failed":
            return "failure"
        case "unproven" | "already_true" | "your_call":
            return "neutral"
    assert_never(verdict.conclusion)


def _title(verdict: Verdict) -> str:
    """For the merge box: a word and the criterion's words, or the reason where that says more."""
    text = one_line(verdict.text).replace("`", "")
    match verdict.conclusion:
        case "unproven":
            return f"unproven · {one_line(verdict.reason)}"
        case "failed" if verdict.flaky or "changed test" in verdict.reason:
            return f"failed · {one_line(verdict.reason)}"
        case "already_true":
            return "already true before the change"
        case "accepted":
            who = verdict.accepted.by.login if verdict.accepted else "a person"
            return f"accepted by {who} · {text}"
        case _:
            return f"{word(verdict)} · {text}"


def _headline(verdict: Verdict) -> str:
    if verdict.conclusion in ("unproven", "failed") and (verdict.flaky or verdict.conclusion == "unproven"):
        return f"{word(verdict)}: {prose(verdict.reason, 160)}"
    return f"{word(verdict)}: {prose(verdict.text, 160)}"


def _sides(view: View, verdict: Verdict) -> str:
    base, head = verdict.base, verdict.head
    if base is None or head is None:
        return ""
    approval = view.issue.approval
    expected = base.outcome == "fail" and verdict.kind == "new"
    before = f"{outcome(base)}, as it should" if expected else outcome(base)
    after = f"**{outcome(head)}**" if head.outcome != "pass" else outcome(head)
    rows = [
        ("Result", before, after),
        ("Exit code", _exit(base), _exit(head)),
        ("Took", took(base.seconds), took(head.seconds)),
    ]
    if base.passed is not None or head.passed is not None:
        rows.append(("Tests", _tests(base), _tests(head)))
    return table(
        ("", f"Before {short(approval.base if approval else '')}", f"After {short(view.issue.head or '')}"), rows
    )


def _exit(side: Side) -> str:
    return str(side.exit) if side.exit is not None else cell(side.reason, 50) or "none"


def _tests(side: Side) -> str:
    return "no record" if side.passed is None else f"{side.passed} pass, {side.failed or 0} fail"


def _output(verdict: Verdict) -> str:
    """The command and what it printed, both word for word."""
    if not verdict.run:
        return ""
    shown = "$ " + clip_middle(printable(verdict.run), RUN_MAX).replace("\n", "\n  ")
    tail = clip_middle(printable(verdict.tail), TAIL_MAX).strip("\n")
    if verdict.conclusion in ("proved", "kept") or not tail:
        printed = fold("What the check printed after the change", fence(tail)) if tail else ""
        return paragraphs(fence(shown), printed).rstrip()
    return fence(f"{shown}\n{tail}")


def _meaning(view: View, verdict: Verdict) -> str:
    command = view.operator.command
    accept = f"`{command} accept {verdict.criterion} <why>`"
    match verdict.conclusion:
        case "proved" | "kept":
            return ""
        case "failed":
            return f"What it means: {_why_failed(view, verdict)} {_next_round(view)}".rstrip()
        case "unproven":
            return (
                "That says nothing about the change, so it is not red and not green. Your turn: name another check with "
                f"`{command} revise {verdict.criterion}: <check>`, or decide by eye with {accept}."
            )
        case "already_true":
            return f"The check passed before anything was changed, so it proves nothing. If that is fine: {accept}."
        case "your_call":
            return f"No machine can check this. Your turn: look, then {accept}. It will read accepted, never proved."
        case "accepted":
            return _acceptance(verdict)
    assert_never(verdict.conclusion)


def _why_failed(view: View, verdict: Verdict) -> str:
    if verdict.flaky:
        return f"{_in_order(view, verdict)}a criterion that sometimes fails is not proved."
    if "changed test" in verdict.reason:
        return "with the tests and their settings as they were before the change it fails."
    if verdict.kind == "keep":
        return "the change broke something that the spec says must stay."
    return "the change does not do yet what the spec says."


def _in_order(view: View, verdict: Verdict) -> str:
    """`5 runs of the same commit: pass, fail, pass, pass, fail; `."""
    runs = next((each.runs for each in _seen(view, verdict) if each.side == "head"), ())
    words = ", ".join({"pass": "pass", "fail": "fail", "could_not_run": "could not run"}[run.outcome] for run in runs)
    return f"{count(len(runs), 'run')} of the same commit: {words}; " if runs else ""


def _next_round(view: View) -> str:
    issue, rounds = view.issue, view.operator.rounds
    if issue.phase in ("building", "approved") and issue.round > 1:
        return f"The agent has this output (round {issue.round} of {rounds})."
    return ""


def _acceptance(verdict: Verdict) -> str:
    given = verdict.accepted
    if given is None:
        return ""
    why = f': "{prose(given.why, 300)}"' if one_line(given.why) else ", without a reason"
    role = f" ({given.role})" if given.role else ""
    return (
        f"{login(given.by)}{role} vouched for it at {clock(given.at)} on {short(given.head)}{why}. A machine did not prove "
        "it. A later commit that touches its files makes this void."
    )


def _origin(criterion: Criterion, verdict: Verdict) -> str:
    check = criterion.check
    if check is None or verdict.kind == "person":
        return ""
    match check.origin:
        case "existing":
            return "Check: a test that existed before, as it stands on the default branch."
        case "spec":
            return (
                "Check: part of the approved spec, run word for word. The agent's files came only through the commit."
            )
        case "agent":
            files = f" ({', '.join(code(each, 80) for each in check.files[:3])})" if check.files else ""
            return f"Check: the {OWN_TEST}{files}. It counts for less than one that a person wrote; read it."


def _findings(view: View, verdict: Verdict) -> str:
    lines = [f"- {prose(each, 240)}" for each in verdict.findings[:10]]
    head = next((each for each in _seen(view, verdict) if each.side == "head"), None)
    failed = list(dict.fromkeys(test for run in (head.runs if head else ()) if run.tests for test in run.tests.failed))
    if failed:
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        lines.append(f"- Failed by JUnit: {', '.join(code(each, 120) for each in failed[:5])}{more}")
    if head is not None and head.pinned is not None:
        words = {"pass": "passes", "fail": "fails", "could_not_run": "could not run"}[head.pinned.outcome]
        lines.append(f"- With the test files as they were before the change: {words}.")
    return "\n".join(lines)


def _seen(view: View, verdict: Verdict) -> list[Observation]:
    return [each for each in view.observations if each.criterion == verdict.criterion]


def _runs(view: View, verdict: Verdict) -> str:
    """Every run, where there was more than one a side."""
    rows = []
    for observation in _seen(view, verdict):
        side = "before" if observation.side == "base" else "after"
        for number, run in enumerate(observation.runs, start=1):
            rows.append((f"{side}, run {number}", _run(run), took(run.seconds)))
    if len(rows) < 2:
        return ""
    return fold(f"All {count(len(rows), 'run')}", table(("Run", "Result", "Took"), rows[:12]))


def _run(run: Run) -> str:
    words = {"pass": "pass", "fail": "fail", "could_not_run": "could not run"}[run.outcome]
    ended = f", exit {run.exit}" if run.exit is not None else ""
    return f"{words}{ended}" + (f": {cell(run.reason, 60)}" if run.reason else "")
