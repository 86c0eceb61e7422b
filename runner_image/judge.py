"""What one run of a check came to: the exit code, and for tests the record that must bear it out.

A run at head is held against the tests that ran at base as well: a test that is skipped, or is there no more, has not shown
that what it asks for holds, however well the others of its command pass.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from runner_image.junit import NoRecord, Record, hides_a_run, matching, overwrites_a_record, runs_pytest
from runner_image.outcome import make_run, read_exit
from runner_image.sandbox.contract import Ran
from shared.domain.protocol import CheckToRun, Outcome, Run, lost_tests, stem

Judged = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Before:
    """Every id that passed, and every one that failed, when the check ran at base; not `known` where this is base's run."""

    passed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    known: bool = True


NOT_RUN_BEFORE = Before(known=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as it goes to the control plane, and all ids of its tests (the wire's lists are cut)."""

    run: Run
    ids: Before = Before()


def wants_record(check: CheckToRun) -> bool:
    """Tests are believed only with a record; so is any command that runs pytest."""
    return check.kind != "command" or runs_pytest(check.run)


def judge(check: CheckToRun, ran: Ran, record: Record | NoRecord, before: Before, artifact: str | None) -> Seen:
    """`before` is what a run at head is held against; empty at base itself, and where head's own tests are not the base's."""
    outcome, reason = _judge(check, ran, record, before)
    if isinstance(record, NoRecord):
        return Seen(make_run(ran, outcome, reason, artifact))
    ids = Before(frozenset(record.ids("passed")), frozenset(record.ids("failed")) - record.uncollected)
    return Seen(make_run(ran, outcome, reason, artifact, record.tests(before.passed)), ids)


def _judge(check: CheckToRun, ran: Ran, record: Record | NoRecord, before: Before) -> Judged:
    by_exit = read_exit(ran)
    if by_exit[0] == "could_not_run" or not wants_record(check):
        return by_exit
    if isinstance(record, NoRecord):
        return "could_not_run", f"exit code {ran.exit}, but {record}"
    if broken := _unusable(record):
        return "could_not_run", f"exit code {ran.exit}: {broken}"
    match check.kind:
        case "suite":
            judged = _judge_suite(ran, record, before.passed)
        case "test" if check.ids:
            judged = _judge_ids(check.ids, ran, record, before)
        case _:
            judged = _judge_whole(ran, record)
    doubt = _doubt(check, record, before) if judged[0] == "pass" else ""
    return ("could_not_run", f"exit code {ran.exit}, but {doubt}") if doubt else judged


def _unusable(record: Record) -> str:
    if record.collection_errors:
        return f"pytest could not collect {', '.join(record.collection_errors[:3])}"
    if not record.results:
        return "its record has no test in it"
    if not record.ids("passed") and not record.ids("failed"):
        return f"all {len(record.results)} tests were skipped"
    return ""


def _judge_whole(ran: Ran, record: Record) -> Judged:
    """A command that runs pytest: both must say the same. Behind a pipe the exit code is another program's."""
    failed = record.ids("failed")
    if failed:
        return "fail", f"exit code {ran.exit}; {_count(failed)} fail, such as {failed[0]}"
    return ("pass", "") if ran.exit == 0 else _beyond_tests(ran)


def _judge_ids(wanted: tuple[str, ...], ran: Ran, record: Record, before: Before) -> Judged:
    """In a group (a class, a test with parameters) some may be skipped, as they were at base; where nothing of it ran at
    base, nobody knows which these should be."""
    for each in wanted:
        found = matching(each, record.results)
        results = {record.results[name] for name in found}
        if "failed" in results:
            return "fail", f"{each} fails"
        if not found:
            return "could_not_run", f"exit code {ran.exit}, but its record does not have {each}"
        ran_before = not before.known or matching(each, before.passed | before.failed)
        if results == {"skipped"} or ("skipped" in results and not ran_before):
            return "could_not_run", f"exit code {ran.exit}, but {each} was skipped"
    return ("pass", "") if ran.exit == 0 else ("fail", f"the named tests pass, the command ends with {ran.exit}")


def _doubt(check: CheckToRun, record: Record, before: Before) -> str:
    """Why a pass is none, in words: a run of which nothing is known, or which tests that ran at base did not run now (for a
    suite that was judged already)."""
    by_ids = check.kind == "test" and bool(check.ids)
    if not by_ids and hides_a_run(check.run):
        return "of several pytest runs only the last left a record: begin with `set -e`, or join them with &&"
    if check.kind == "suite":
        return ""
    passed, failed = before.passed, before.failed
    if by_ids:
        passed, failed = (
            frozenset(each for name in check.ids for each in matching(name, ids)) for ids in (passed, failed)
        )
    if skipped := sorted((passed | failed) & set(record.ids("skipped"))):
        return f"{_count(skipped)} that ran before the change {_are(skipped)} skipped now, such as {skipped[0]}"
    # What one test is given may be other than before, so of its parameters any will do. Of several pytest runs of one line
    # the last alone leaves its record.
    now = {stem(each) for each in record.ids("passed")}
    gone = sorted(each for each in failed if stem(each) not in now) if not overwrites_a_record(check.run) else []
    return f"{_count(gone)} that failed before the change {_are(gone)} gone now, such as {gone[0]}" if gone else ""


def _judge_suite(ran: Ran, record: Record, passed_at_base: Collection[str]) -> Judged:
    """At base: something passes. At head: everything that passed at base is there and passes; the control plane sees the
    ids of all runs and may be stricter."""
    if ran.exit not in (0, 1):
        return _beyond_tests(ran)
    now = set(record.ids("passed"))
    lost = sorted(lost_tests(set(passed_at_base), now))
    if broken := [each for each in lost if record.results.get(each) == "failed"]:
        return "fail", f"{_count(broken)} that passed at base fail, such as {broken[0]}"
    if lost:
        return "fail", f"{_count(lost)} that passed at base are gone or skipped, such as {lost[0]}"
    if not now:
        return "fail", "no test passes"
    failed = record.ids("failed")
    return "pass", f"{_count(failed)} fail that did not pass at base either" if failed else ""


def _beyond_tests(ran: Ran) -> Judged:
    # docs.pytest.org/en/stable/reference/exit-codes.html
    words = {2: "interrupted", 3: "an internal error", 4: "wrong usage", 5: "no test collected"}
    if ran.exit in words:
        return "could_not_run", f"exit code {ran.exit}: pytest says {words[ran.exit]}"
    return "fail", f"exit code {ran.exit}, though no test failed"


def _are(ids: Collection[str]) -> str:
    return "is" if len(ids) == 1 else "are"


def _count(ids: Collection[str]) -> str:
    return "1 test" if len(ids) == 1 else f"{len(ids):,} tests"
