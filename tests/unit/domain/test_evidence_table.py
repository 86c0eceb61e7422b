"""From observations to verdicts: the table, row by row. Green means proved."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import protocol
from shared.domain.evidence import Acceptance, Verdict, accept, judge, judge_all, today
from shared.domain.people import Person
from shared.domain.protocol import CheckToRun, Observation, Run
from shared.domain.spec import Criterion, Spec, SpecLimits

HEAD = "5" * 40
OUTCOMES = ("pass", "fail", "could_not_run")
REASON = {"pass": "", "fail": "", "could_not_run": "command not found"}
EXIT = {"pass": 0, "fail": 1, "could_not_run": 127}


def criterion(kind: str, /, **check: Any) -> Criterion:
    body = {"id": "AC-1", "kind": kind, "text": "t", "check": {"run": "sh x.sh", **check} if kind != "person" else None}
    return Criterion.model_validate(body)


def run(outcome: str, **fields: Any) -> Run:
    return Run.model_validate({"outcome": outcome, "exit": EXIT[outcome], "reason": REASON[outcome], **fields})


def saw(side: str, *outcomes: str, **fields: Any) -> Observation:
    runs = tuple(run(each) for each in outcomes)
    return Observation.model_validate({"criterion": "AC-1", "side": side, "sha": HEAD, "runs": runs, **fields})


ROWS = [
    ("new", "fail", "pass", "proved"),
    ("new", "pass", "pass", "already_true"),
    ("new", "could_not_run", "pass", "unproven"),
    ("new", "fail", "fail", "failed"),
    ("new", "pass", "fail", "failed"),
    ("new", "could_not_run", "fail", "failed"),
    ("new", "fail", "could_not_run", "unproven"),
    ("new", "pass", "could_not_run", "unproven"),
    ("new", "could_not_run", "could_not_run", "unproven"),
    ("keep", "pass", "pass", "kept"),
    ("keep", "fail", "pass", "unproven"),
    ("keep", "could_not_run", "pass", "unproven"),
    ("keep", "pass", "fail", "failed"),
    ("keep", "pass", "could_not_run", "unproven"),
    ("keep", "fail", "could_not_run", "unproven"),
]


@pytest.mark.parametrize(("kind", "base", "head", "verdict"), ROWS)
def test_the_table(kind: str, base: str, head: str, verdict: str) -> None:
    found = judge(criterion(kind), saw("base", base), saw("head", head, head))
    assert found.conclusion == verdict
    assert found.holds == (verdict in ("proved", "kept"))
    assert found.holds or found.reason, "what is not proved says why"


def test_the_thing_to_build_may_be_what_is_missing_before() -> None:
    check = criterion("new", may_be_missing=True)
    assert judge(check, saw("base", "could_not_run"), saw("head", "pass", "pass")).conclusion == "proved"
    assert (
        judge(criterion("keep", may_be_missing=True), saw("base", "could_not_run"), saw("head", "pass")).holds is False
    )


@pytest.mark.parametrize(
    "base",
    [
        None,
        saw("base"),
        saw("base", "could_not_run").model_copy(update={"runs": (run("could_not_run", exit=None, reason="set-up"),)}),
        saw("base", "could_not_run").model_copy(update={"runs": (run("could_not_run", exit=137, reason="SIGKILL"),)}),
    ],
    ids=["no report", "no run", "no end of its own", "killed"],
)
def test_what_never_came_to_an_end_before_was_not_missing(base: Observation | None) -> None:
    check = criterion("new", may_be_missing=True)
    found = judge(check, base, saw("head", "pass", "pass"))
    assert found.conclusion == "unproven"
    assert found.reason.startswith("before the change the check could not run: ")
    assert today(check, base)[0] == "cannot run here"
    assert today(check, saw("base", "could_not_run"))[0] == "cannot run yet, as it should"


@pytest.mark.parametrize("kind", ["new", "keep"])
@pytest.mark.parametrize("base", [None, "fail", "pass"])
def test_nothing_seen_at_head_proves_nothing(kind: str, base: str | None) -> None:
    before = saw("base", base) if base else None
    assert judge(criterion(kind), before, None).conclusion == "unproven"
    assert judge(criterion(kind), before, saw("head")).conclusion == "unproven"


def test_nothing_seen_at_base_proves_nothing() -> None:
    for kind in ("new", "keep"):
        assert judge(criterion(kind), None, saw("head", "pass", "pass")).conclusion == "unproven"


def test_one_bad_run_of_five_is_flaky_and_fails() -> None:
    found = judge(criterion("new"), saw("base", "fail"), saw("head", "pass", "pass", "fail", "pass", "pass"))
    assert found.conclusion == "failed"
    assert found.flaky == found.reason == "passes 4 times of 5"


def test_a_run_that_could_not_run_among_passes_is_no_proof() -> None:
    found = judge(criterion("new"), saw("base", "fail"), saw("head", "pass", "could_not_run", "pass", "pass", "pass"))
    assert found.conclusion == "unproven"
    assert found.flaky == "passes 4 times of 5"


def test_what_passes_only_with_a_changed_test_fails() -> None:
    for pinned in ("fail", "could_not_run"):
        head = saw("head", "pass", "pass", pinned=run(pinned))
        assert judge(criterion("new"), saw("base", "fail"), head).reason == "passes only with a changed test"
    assert judge(criterion("new"), saw("base", "fail"), saw("head", "pass", pinned=run("pass"))).conclusion == "proved"


def suite(side: str, *runs: tuple[str, ...]) -> Observation:
    made = tuple(run("pass", tests=protocol.TestIds(passed=each, count=len(each))) for each in runs)
    return Observation.model_validate({"criterion": "AC-1", "side": side, "sha": HEAD, "runs": made})


def test_a_suite_that_lost_a_test_fails() -> None:
    check = criterion("keep", kind="suite")
    before = suite("base", ("a", "b"))
    assert judge(check, before, suite("head", ("a", "b", "c"), ("a", "b", "c"))).conclusion == "kept"
    gone = judge(check, before, suite("head", ("a", "c"), ("a", "c")))
    assert gone.conclusion == "failed"
    assert "b" in gone.reason


def test_a_test_that_is_there_in_one_run_only_is_lost() -> None:
    found = judge(criterion("keep", kind="suite"), suite("base", ("a", "b")), suite("head", ("a", "b"), ("a",)))
    assert found.conclusion == "failed"


def test_a_person_judges_what_no_machine_can() -> None:
    assert judge(criterion("person"), None, None).conclusion == "your_call"
    assert not judge(criterion("person"), None, None).holds


def acceptance() -> Acceptance:
    return Acceptance(what="AC-1", by=Person(id=1, login="octocat"), role="write", why="fine", at=1, head=HEAD)


@given(st.sampled_from(ROWS))
def test_a_persons_word_never_reads_as_proved(row: tuple[str, str, str, str]) -> None:
    kind, base, head, verdict = row
    found = accept(judge(criterion(kind), saw("base", base), saw("head", head)), acceptance())
    assert found.conclusion == (verdict if verdict in ("proved", "kept") else "accepted")
    assert found.holds


@given(
    st.sampled_from(["new", "keep"]),
    st.lists(st.sampled_from(OUTCOMES), max_size=5),
    st.lists(st.sampled_from(OUTCOMES), max_size=5),
    st.sampled_from([None, *OUTCOMES]),
    st.booleans(),
)
def test_success_needs_every_run_at_head_to_pass(
    kind: str, base: list[str], head: list[str], pinned: str | None, missing: bool
) -> None:
    seen = saw("head", *head, pinned=run(pinned) if pinned else None)
    found: Verdict = judge(criterion(kind, may_be_missing=missing), saw("base", *base), seen)
    if found.holds:
        assert head and set(head) == {"pass"}
        assert pinned in (None, "pass")
        assert "pass" in base if kind == "keep" else "fail" in base or missing


def test_evidence_of_another_commit_is_not_looked_at() -> None:
    one = criterion("new")
    spec = Spec(version=1, goals=(), criteria=(one,), limits=SpecLimits(nano=1, seconds=1), base="a")
    seen = (saw("base", "fail"), saw("head", "pass", "pass"))
    assert judge_all(spec, seen, {}, HEAD)[0].conclusion == "proved"
    assert judge_all(spec, seen, {}, "6" * 40)[0].conclusion == "unproven"


@pytest.mark.parametrize(
    ("kind", "check", "base", "words", "stops"),
    [
        ("new", {}, "fail", "fails, as it should", False),
        ("new", {}, "pass", "passes already", False),
        ("new", {}, "could_not_run", "cannot run here", True),
        ("new", {"may_be_missing": True}, "could_not_run", "cannot run yet, as it should", False),
        ("keep", {}, "pass", "passes", False),
        ("keep", {}, "fail", "fails today", False),
        ("keep", {}, "could_not_run", "cannot run here", True),
        ("new", {"origin": "agent"}, "could_not_run", "test to be written", False),
        ("person", {}, "pass", "your call", False),
    ],
)
def test_what_the_spec_says_about_today(kind: str, check: dict[str, Any], base: str, words: str, stops: bool) -> None:
    said, reason = today(criterion(kind, **check), saw("base", base))
    assert said == words
    assert bool(reason) == stops


def test_a_check_is_word_for_word() -> None:
    assert CheckToRun(run=" sh  x ").run == " sh  x "


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (
            "a.py: error: unrecognized arguments: --cov\n  inifile: tox.ini\n  rootdir: /workspace\n",
            "error: unrecognized",
        ),
        ("one\nno such tool\n\n", "it printed last: no such tool"),
        (
            "ERROR tests/test_a.py - Warning: deprecated\n!!!! Interrupted: 1 error during collection !!!!\n1 error in 0.78s\n",
            "printed last: ERROR tests/test_a.py - Warning: deprecated",
        ),
        ("=== 1 error in 65.10s (0:01:05) ===\n", "printed last: === 1 error in 65.10s"),
        ("", "exit code 4"),
    ],
)
def test_why_a_check_cannot_run_carries_what_it_printed(tail: str, words: str) -> None:
    ran = {"outcome": "could_not_run", "exit": 4, "reason": "exit code 4", "tail": tail}
    seen = saw("base").model_validate(saw("base").model_dump() | {"runs": [ran]})
    assert words in today(criterion("keep"), seen)[1]
