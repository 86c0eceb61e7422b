"""Suites whose test ids are never twice the same, such as parameters made of the current time."""

from __future__ import annotations

import pytest

from shared.domain import protocol
from shared.domain.evidence import judge
from shared.domain.protocol import CheckToRun, Observation, Run
from shared.domain.spec import Criterion

SUITE = Criterion(id="AC-3", kind="keep", text="the tests", check=CheckToRun(kind="suite", run="pytest -q"))


def run(*passed: str) -> Run:
    return Run(outcome="pass", exit=0, tests=protocol.TestIds(passed=passed, count=len(passed)))


def seen(side: str, *runs: Run, pinned: Run | None = None) -> Observation:
    return Observation.model_validate({"criterion": "AC-3", "side": side, "sha": "a" * 40}).model_copy(
        update={"runs": runs, "pinned": pinned}
    )


@pytest.mark.parametrize(
    ("base", "first", "second", "touched", "conclusion"),
    [
        (("t::a[1]", "t::b"), ("t::a[1]", "t::b"), ("t::a[1]", "t::b"), False, "kept"),
        (("t::a[18:54]", "t::b"), ("t::a[18:55]", "t::b"), ("t::a[18:56]", "t::b"), False, "kept"),
        (("t::a[18:54]", "t::b"), ("t::a[18:55]", "t::b"), ("t::a[18:55]", "t::b"), False, "kept"),
        (("t::a[18:54]", "t::b"), ("t::a[18:55]", "t::b"), ("t::a[18:56]", "t::b"), True, "kept"),
        (("t::a[strict]", "t::b"), ("t::a[lenient]", "t::b"), ("t::a[lenient]", "t::b"), True, "failed"),
        (("t::a[1]", "t::a[2]"), ("t::a[3]",), ("t::a[4]",), False, "failed"),
        (("t::a[1]", "t::b"), ("t::a[1]",), ("t::a[1]",), False, "failed"),
        (("t::a", "t::b"), ("t::b", "t::c"), ("t::b", "t::c"), False, "failed"),
    ],
)
def test_a_suite_is_kept_only_when_nothing_that_passed_is_gone(
    base: tuple[str, ...], first: tuple[str, ...], second: tuple[str, ...], touched: bool, conclusion: str
) -> None:
    pinned = run(*first) if touched else None
    verdict = judge(SUITE, seen("base", run(*base)), seen("head", run(*first), run(*second), pinned=pinned))
    assert verdict.conclusion == conclusion
