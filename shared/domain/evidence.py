"""From observations to verdicts. Green means proved: this table is the only way to the word."""

from __future__ import annotations

import re
from typing import Literal

from shared.domain.lost_tests import lost_tests, stem
from shared.domain.people import Person
from shared.domain.protocol import Observation, Outcome, Run
from shared.domain.shape import Shape
from shared.domain.spec import Criterion, Spec

Conclusion = Literal["proved", "kept", "failed", "unproven", "already_true", "your_call", "accepted"]

HOLDS: frozenset[Conclusion] = frozenset({"proved", "kept", "accepted"})
KILLED = 128 + 9  # a shell's word for SIGKILL
LAST_LINES = 8
PYTEST_COUNTS = re.compile(r"=*\s*\d+ \w+.* in [\d.]+s\b.*|!+ .* !+")  # how many errors there were, and not which
LAST_LINE = 200  # characters of what a check printed that stand beside a reason


class Side(Shape):
    """One side of a verdict: what it came to, and the numbers that a person wants."""

    outcome: Outcome
    exit: int | None = None
    seconds: float = 0.0
    reason: str = ""
    passed: int | None = None
    failed: int | None = None


class Acceptance(Shape):
    """A person vouches. Read as "accepted by", never as proved; void when a later commit touches the files."""

    what: str
    by: Person
    role: str
    why: str
    at: int
    head: str


class Verdict(Shape):
    """What is known of one criterion on one head. `reason` says why it is not proved; `tail` is head's output."""

    criterion: str
    kind: Literal["new", "keep", "person"]
    text: str
    conclusion: Conclusion
    reason: str = ""
    base: Side | None = None
    head: Side | None = None
    own_test: bool = False
    flaky: str = ""
    run: str = ""
    tail: str = ""
    findings: tuple[str, ...] = ()
    accepted: Acceptance | None = None

    @property
    def holds(self) -> bool:
        return self.conclusion in HOLDS


def side_of(observation: Observation | None) -> Side:
    """Several runs of one side as one: all the same, or the worst of them; nothing seen could not run."""
    if observation is None or not observation.runs:
        return Side(outcome="could_not_run", reason="it was not run")
    order: dict[Outcome, int] = {"pass": 0, "could_not_run": 1, "fail": 2}
    worst = max(observation.runs, key=lambda run: order[run.outcome])
    return _side(worst)


def _side(run: Run) -> Side:
    return Side(
        outcome=run.outcome,
        exit=run.exit,
        seconds=run.seconds,
        reason=run.reason,
        passed=None if run.tests is None else run.tests.count - len(run.tests.failed) - len(run.tests.skipped),
        failed=None if run.tests is None else len(run.tests.failed),
    )


def judge(criterion: Criterion, base: Observation | None, head: Observation | None) -> Verdict:
    """The verdict table. Observations are what a verify job saw; a missing one could not run."""
    before, after = side_of(base), side_of(head)
    blank = Verdict(
        criterion=criterion.id,
        kind=criterion.kind,
        text=criterion.text,
        conclusion="your_call",
        own_test=criterion.check is not None and criterion.check.origin == "agent",
        run=criterion.check.run if criterion.check else "",
    )
    if criterion.kind == "person" or criterion.check is None:
        return blank
    conclusion, reason = _conclude(criterion, before, after, base, head)
    shown = _last_shown(head)
    findings = (base.findings if base else ()) + (head.findings if head else ())
    return blank.model_copy(
        update={
            "conclusion": conclusion,
            "reason": reason,
            "base": before,
            "head": after,
            "flaky": _flaky(head),
            "tail": shown,
            "findings": findings,
        }
    )


def _conclude(
    criterion: Criterion, before: Side, after: Side, base: Observation | None, head: Observation | None
) -> tuple[Conclusion, str]:
    check = criterion.check
    assert check is not None
    if criterion.kind == "keep" and before.outcome != "pass":
        return "unproven", f"it did not pass before the change: {before.reason or f'exit code {before.exit}'}"
    if after.outcome == "fail":
        return "failed", _flaky(head) or after.reason or f"exit code {after.exit}"
    if after.outcome == "could_not_run":
        return "unproven", f"the check could not run: {after.reason}"
    if head is not None and head.pinned is not None and head.pinned.outcome != "pass":
        return "failed", "passes only with a changed test"
    lost = _lost_tests(base, head) if check.kind == "suite" else ""
    if lost:
        return "failed", lost
    if criterion.kind == "keep":
        return "kept", ""
    match before.outcome:
        case "fail":
            return "proved", ""
        case "pass":
            return "already_true", "already true before the change"
        case "could_not_run" if check.may_be_missing and _found_missing(before):
            return "proved", ""
        case _:
            return "unproven", f"before the change the check could not run: {before.reason}"


def _found_missing(before: Side) -> bool:
    """Whether the check itself came to an end without what is to be built. One that was not run, whose set-up failed, that
    took too long or was killed (for memory, say) shows nothing of what was there."""
    return before.exit is not None and before.exit != KILLED


def _flaky(head: Observation | None) -> str:
    if head is None or len(head.runs) < 3:
        return ""
    passes = sum(run.outcome == "pass" for run in head.runs)
    return "" if passes == len(head.runs) else f"passes {passes} times of {len(head.runs)}"


def _lost_tests(base: Observation | None, head: Observation | None) -> str:
    """A suite holds when every id that passes at base is present and passes at head. One whose parameters are never twice
    the same (`lost_tests`) counts only where head's own runs disagree about its ids, or no test was touched.
    """
    before = {test for run in (base.runs if base else ()) if run.tests for test in run.tests.passed}
    each_run = [set(run.tests.passed) if run.tests else set() for run in (head.runs if head else ())]
    after = set.intersection(*each_run) if each_run else set()
    wavering = {stem(test) for test in set().union(*each_run) - after} if each_run else set()
    fewer = {stem(test) for run in each_run for test in lost_tests(before, run)}
    untouched = head is not None and head.pinned is None
    missing = sorted(
        test
        for test in before - after
        if not ("[" in test and (untouched or stem(test) in wavering) and stem(test) not in fewer)
    )
    if not missing:
        return ""
    return f"{len(missing)} tests that passed before are gone or skipped, such as {missing[0]}"


def _last_shown(head: Observation | None) -> str:
    if head is None or not head.runs:
        return ""
    bad = [run for run in head.runs if run.outcome != "pass"]
    return (bad or list(head.runs))[-1].tail


def judge_all(
    spec: Spec, observations: tuple[Observation, ...], accepted: dict[str, Acceptance], head: str
) -> tuple[Verdict, ...]:
    """Verdicts of every criterion in the spec's order, with people's acceptances laid over what is not proved."""
    seen = {(each.criterion, each.side): each for each in observations if each.side == "base" or each.sha == head}
    verdicts = []
    for criterion in spec.criteria:
        verdict = judge(criterion, seen.get((criterion.id, "base")), seen.get((criterion.id, "head")))
        verdicts.append(accept(verdict, accepted.get(criterion.id)))
    return tuple(verdicts)


def accept(verdict: Verdict, acceptance: Acceptance | None) -> Verdict:
    """A person's word counts where there is no proof: unproven, theirs to judge, already true or failed."""
    if acceptance is None or verdict.conclusion in ("proved", "kept"):
        return verdict
    return verdict.model_copy(update={"conclusion": "accepted", "accepted": acceptance})


def _with_last_line(reason: str, base: Observation | None) -> str:
    """The reason alone names a symptom; what the check printed last, of errors if there are any, mostly names the cause."""
    printed = base.runs[-1].tail if base and base.runs else ""
    lines = [line.strip() for line in reversed(printed.splitlines()) if line.strip()][:LAST_LINES]
    telling = [line for line in lines if not PYTEST_COUNTS.fullmatch(line)] or lines
    last = next((line for line in telling if "error" in line.lower()), telling[0] if telling else "")
    return f"{reason}; it printed last: {last[:LAST_LINE]}" if last and last not in reason else reason


def today(criterion: Criterion, base: Observation | None) -> tuple[str, str]:
    """(words for the spec's "Today" column, reason why the check cannot run here or "")."""
    if criterion.kind == "person" or criterion.check is None:
        return "your call", ""
    if criterion.check.origin == "agent":
        return "test to be written", ""
    side = side_of(base)
    if side.outcome == "could_not_run":
        if criterion.check.may_be_missing and criterion.kind == "new" and _found_missing(side):
            return "cannot run yet, as it should", ""
        return "cannot run here", _with_last_line(side.reason, base)
    if side.outcome == "pass":
        words = f"{side.passed} pass" if side.passed is not None else "passes"
        return (words if criterion.kind == "keep" else f"{words} already"), ""
    if criterion.kind == "new":
        return "fails, as it should", ""
    return "fails today", ""
