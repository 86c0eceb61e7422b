"""Criteria and verdicts in words: the same words in the status, the pull request and the checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from shared.domain.evidence import Side, Verdict
from shared.domain.spec import Criterion
from shared.domain.view import View
from shared.render.forms import count, listed, login, short
from shared.render.markdown import cell, one_line, prose

OWN_TEST = "agent's own test"


def label(criterion: Criterion | Verdict, limit: int = 40) -> str:
    """`AC-1 German separators` for a table cell."""
    return f"{identity(criterion)} {cell(criterion.text, limit)}"


def identity(criterion: Criterion | Verdict) -> str:
    return criterion.id if isinstance(criterion, Criterion) else criterion.criterion


def current(view: View) -> tuple[Verdict, ...]:
    """The verdicts that hold for the newest commit; none while it is not proved or judged."""
    issue = view.issue
    return issue.verdicts if issue.head is not None and issue.verified_head == issue.head else ()


def word(verdict: Verdict) -> str:
    """One word or two: proved, kept, failed, unproven, already true, your call, accepted by octocat."""
    match verdict.conclusion:
        case "proved":
            return f"proved ({OWN_TEST})" if verdict.own_test else "proved"
        case "kept":
            return f"kept ({OWN_TEST})" if verdict.own_test else "kept"
        case "failed" | "unproven":
            return verdict.conclusion
        case "already_true":
            return "already true"
        case "your_call":
            return "your call"
        case "accepted":
            return f"accepted by {login(verdict.accepted.by) if verdict.accepted else 'a person'}"
    assert_never(verdict.conclusion)


def result(verdict: Verdict, limit: int = 70) -> str:
    """The word, and what a person wants to know with it, for a table cell."""
    why = cell(verdict.reason, limit)
    match verdict.conclusion:
        case "failed":
            return f"**{word(verdict)}: {why}**" if why else f"**{word(verdict)}**"
        case "unproven":
            return f"{word(verdict)}: {why}" if why else word(verdict)
        case "kept" if verdict.head is not None and verdict.head.passed is not None:
            return f"{word(verdict)}, {verdict.head.passed} pass"
        case "already_true":
            return "already true before the change"
        case _:
            return word(verdict)


def before_after(verdict: Verdict) -> str:
    """`fails → passes`, `214 → 221 pass`, or a dash where nothing is run."""
    base, head = verdict.base, verdict.head
    if base is None or head is None:
        return "–"
    if base.outcome == head.outcome == "pass" and base.passed is not None and head.passed is not None:
        return f"{base.passed} → {head.passed} pass"
    return f"{outcome(base)} → {outcome(head)}"


def outcome(side: Side) -> str:
    return {"pass": "passes", "fail": "fails", "could_not_run": "could not run"}[side.outcome]


def holding(verdicts: Sequence[Verdict]) -> int:
    return sum(verdict.holds for verdict in verdicts)


def ids(verdicts: Sequence[Verdict], *conclusions: str) -> list[str]:
    return [verdict.criterion for verdict in verdicts if verdict.conclusion in conclusions]


def summary(verdicts: Sequence[Verdict]) -> str:
    """`AC-1, AC-3 and AC-4 hold, AC-2 fails, AC-5 is your call`."""
    parts = []
    for names, one, many in (
        ([each.criterion for each in verdicts if each.holds], "holds", "hold"),
        (ids(verdicts, "failed"), "fails", "fail"),
        (ids(verdicts, "unproven"), "is unproven", "are unproven"),
        (ids(verdicts, "already_true"), "was already true", "were already true"),
        (ids(verdicts, "your_call"), "is your call", "are your call"),
    ):
        if names:
            parts.append(f"{listed(names)} {one if len(names) == 1 else many}")
    return ", ".join(parts)


def tally(verdicts: Sequence[Verdict]) -> str:
    """`2 proved (1 by the agent's own test), 2 kept, 1 accepted by octocat`."""
    words: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        words.setdefault(word(verdict).removesuffix(f" ({OWN_TEST})"), []).append(verdict)
    parts = []
    for each, found in words.items():
        own = sum(verdict.own_test and verdict.conclusion in ("proved", "kept") for verdict in found)
        parts.append(f"{len(found)} {each}" + (f" ({own} by the {OWN_TEST})" if own else ""))
    return ", ".join(parts)


def headline(verdicts: Sequence[Verdict], head: str | None) -> str:
    """The state of a proof in one sentence, for the second line of a pull request and for its check."""
    at = f" on {short(head)}" if head else ""
    total, holds = count(len(verdicts), "criterion", "criteria"), holding(verdicts)
    hold = "holds" if len(verdicts) == 1 else "hold"
    failed, unproven = ids(verdicts, "failed"), ids(verdicts, "unproven")
    yours, before = ids(verdicts, "your_call"), ids(verdicts, "already_true")
    accepted = [verdict for verdict in verdicts if verdict.conclusion == "accepted"]
    if failed:
        return f"**Not proved: {listed(failed)} {'fails' if len(failed) == 1 else 'fail'}{at}.**"
    if unproven:
        return f"**Not proved: {listed(unproven)} {'is' if len(unproven) == 1 else 'are'} unproven{at}.**"
    if before:
        was = "was" if len(before) == 1 else "were"
        return f"**{holds} of {total} {hold}{at}. {listed(before)} {was} already true before the change.**"
    if yours:
        return (
            f"**{holds} of {total} {'holds' if holds == 1 else 'hold'}{at}. "
            f"{listed(yours)} {'is' if len(yours) == 1 else 'are'} your call.**"
        )
    if accepted:
        return f"**{holds - len(accepted)} of {total} {'holds' if holds == 1 else 'hold'}{at}; {_accepted(accepted)}.**"
    return f"**{holds} of {total} {hold}{at}.**"


def _accepted(verdicts: Sequence[Verdict]) -> str:
    parts = []
    for verdict in verdicts:
        why = verdict.accepted.why if verdict.accepted else ""
        reason = f' ("{prose(why, 80)}")' if one_line(why) else ""
        parts.append(f"{verdict.criterion} was {word(verdict)} without proof{reason}")
    return ", ".join(parts)
