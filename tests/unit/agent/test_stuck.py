"""The ladder: each way of getting nowhere is said once, then begun afresh, then brought to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.agent import prompts
from shared.agent.fold import begin, close_step, open_step
from shared.agent.replies import GIVING_UP, REPAIRS_MAX
from shared.agent.state import State
from shared.agent.stuck import LADDER, LAST_STEPS
from shared.domain.step import StepState
from tests.unit.agent.stories import JOB, SPEC, step

FAIL = "FAILED tests/test_a.py::test_x - assert 1 == 2\n1 failed in 0.{n:02d}s"


def same(n: int) -> StepState:
    return step(n, ("bash", {"command": "ls"}), results=("a b",))


def timed(n: int) -> StepState:
    return step(n, ("bash", {"command": "pytest"}), results=(f"3 passed in 0.{n:02d}s",))


def alternating(n: int) -> StepState:
    return step(n, ("bash", {"command": "ab"[n % 2]}), results=("ab"[n % 2],))


def same_error(n: int) -> StepState:
    return step(n, ("bash", {"command": f"try {n}"}), results=("nope\nModuleNotFoundError: x",), code=1)


def idle(n: int) -> StepState:
    """Other calls all the time, so that nothing repeats, and never a result that is new."""
    return step(n, ("bash", {"command": f"true {n}"}), results=("ok",))


def failing(n: int) -> StepState:
    edit = ("edit", {"path": "a.py", "changes": [{"old": str(n), "new": "y"}]})
    return step(n, edit, ("bash", {"command": f"pytest {n}"}), results=(f"edited {n}", FAIL.format(n=n)), changed=True)


def silent(n: int) -> StepState:
    return step(n, text=f"I think {n}")


def empty(n: int) -> StepState:
    return step(n)


def run(make: Callable[[int], StepState], count: int) -> Iterator[tuple[int, State, str]]:
    """(step, state before it is asked, text that its ask adds)."""
    state = begin(JOB, SPEC)
    for number in range(count):
        told = make(number)
        opened = open_step(state, told.asking)
        new = opened.turns[-1]["text"] if opened.turns[-1]["role"] == "user" and number else ""
        yield number, state, new
        if state.over:
            return
        state = close_step(opened, told)


LADDERS: list[tuple[Callable[[int], StepState], str, int, int]] = [
    # behaviour, pattern, steps until it is said, steps until the context is begun afresh
    (same, "repeat", 3, 5),
    (timed, "repeat", 3, 5),
    (alternating, "alternate", 6, 10),
    (same_error, "error", 3, 6),
    (idle, "idle", 13, 25),  # the first "ok" was new
    (failing, "failing", 5, 11),  # the first edit came before any test had failed
    (silent, "silent", 2, 4),
    (empty, "silent", 2, 4),
]


@pytest.mark.parametrize(
    ("make", "pattern", "said", "afresh"), LADDERS, ids=lambda each: getattr(each, "__name__", str(each))
)
def test_the_ladder(make: Callable[[int], StepState], pattern: str, said: int, afresh: int) -> None:
    nudges, restarts, wraps, over = [], [], [], None
    for number, state, text in run(make, 80):
        if prompts.NUDGES[pattern] in text:
            nudges.append(number)
        if prompts.PATTERNS[pattern] in text:
            restarts.append(number)
        if prompts.WRAP_UP in text:
            wraps.append(number)
        if state.over:
            over = (number, *state.over)
    assert nudges[0] == said
    assert restarts == [afresh]
    assert len(nudges) == 2, "once in each of the two contexts"
    assert len(wraps) == 1, "the second context is brought to its end"
    assert over == (wraps[0] + LAST_STEPS, prompts.GAVE_UP_STUCK, "stuck")
    assert said == LADDER[pattern][0] * (2 if pattern == "alternate" else 1) + (pattern in ("idle", "failing"))


def test_every_pattern_has_its_words() -> None:
    assert set(LADDER) == set(prompts.NUDGES) == set(prompts.PATTERNS)


def test_work_that_goes_on_is_never_disturbed() -> None:
    def working(n: int) -> StepState:
        calls: list[tuple[str, dict[str, Any]]] = [("view", {"path": f"f{n}.py"}), ("bash", {"command": "pytest"})]
        return step(n, *calls, results=(f"text of {n}", f"{n} passed in 0.1s"), changed=n % 3 == 0)

    assert all(not text and not state.over for _, state, text in run(working, 60))


def test_searches_without_a_hit_are_no_error() -> None:
    def searching(n: int) -> StepState:
        calls = (("bash", {"command": f"grep {n} src"}), ("view", {"path": str(n)}))
        return step(n, *calls, results=("", f"file {n}"), code=1)

    assert all(prompts.NUDGES["error"] not in text for _, _, text in run(searching, 20))


def test_a_fresh_start_hands_over_what_was_done_by_the_record() -> None:
    def stuck_after_work(n: int) -> StepState:
        if n == 0:
            return step(n, ("write", {"path": "sum.py", "content": "x"}), changed=True)
        if n == 1:
            return step(n, ("prove", {"criterion": "AC-1", "command": "pytest"}), data={"passed": False}, code=1)
        return same(n)

    texts = [(state, text) for _, state, text in run(stuck_after_work, 12) if prompts.PATTERNS["repeat"] in text]
    assert len(texts) == 1
    state, text = texts[0]
    assert "files written: sum.py" in text
    assert "proof of AC-1: did not hold" in text
    assert "ran: ls -> exit 0" in text
    assert state.turns[0] == begin(JOB, SPEC).turns[0]


@pytest.mark.parametrize("malformed", [None, '{"command": "ls"'])
def test_invalid_calls_are_explained_thrice_then_it_ends(malformed: str | None) -> None:
    state = begin(JOB, SPEC)
    for number in range(REPAIRS_MAX + 1):
        assert not state.over
        broken = step(number, ("bash" if malformed else "shell", {}), malformed=malformed)
        assert broken.reply is not None
        assert not broken.reply.calls, "it never reaches the runner"
        state = close_step(open_step(state, broken.asking), broken)
        assert state.turns[-1]["results"][0]["status"] == "error"
    assert state.over == (GIVING_UP, "invalid")


def test_a_valid_call_between_makes_the_count_begin_anew() -> None:
    state = begin(JOB, SPEC)
    for number in range(20):
        told = step(
            number, ("bash" if number % 3 == 2 else "shell", {"command": f"x {number}"}), results=(str(number),)
        )
        state = close_step(open_step(state, told.asking), told)
        assert not state.over


def test_a_cut_answer_is_told_so() -> None:
    state = begin(JOB, SPEC)
    told = step(0, text="a very long", stop="cut")
    state = close_step(open_step(state, told.asking), told)
    assert state.pending == (prompts.CUT,)


def test_an_answer_that_the_provider_could_not_read_is_told_so_and_not_as_too_long() -> None:
    state = begin(JOB, SPEC)
    told = step(0, text="Malformed function call: print(", stop="garbled")
    state = close_step(open_step(state, told.asking), told)
    assert state.pending == (prompts.GARBLED,)
