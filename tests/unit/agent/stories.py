"""Conversations as stored steps, made of what a test or hypothesis says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from shared.agent.replies import check_calls, for_runner
from shared.domain.job import JobState
from shared.domain.people import Repository
from shared.domain.protocol import CallResult, CheckToRun, Reply
from shared.domain.spec import Criterion, Spec, SpecLimits
from shared.domain.step import Asking, Billed, Said, StepState
from shared.ports import ToolCall

MODEL = "scripted:demo"

JOB = JobState(
    id="aaaaaaaaa1", kind="build", issue="ISSUE#7#42", repository=Repository(id=7, full_name="octo-org/octo-repo"),
    installation_id=1, spec_version=1, ledger=1, base="b" * 40,
)  # fmt: skip

SPEC = Spec(
    version=1,
    title="Sums of money",
    goals=("Sums are exact.",),
    criteria=(
        Criterion(id="AC-1", kind="new", text="0.1 + 0.2 is 0.3", check=CheckToRun(run="pytest -q")),
        Criterion(id="AC-2", kind="person", text="it reads well"),
    ),
    out_of_scope=("currencies",),
    limits=SpecLimits(nano=1, seconds=1),
    base="b" * 40,
)


def step(
    number: int,
    *calls: tuple[str, dict[str, Any]],
    text: str = "",
    results: tuple[str, ...] | None = None,
    status: str = "ok",
    code: int | None = 0,
    changed: bool = False,
    stop: str = "",
    billed: int = 0,
    malformed: str | None = None,
    data: dict[str, Any] | None = None,
    **asking: Any,
) -> StepState:
    """One closed step: these calls, and a result for each valid one (its text, or `ok`)."""
    called = [ToolCall(f"c{index}", tool, args, malformed) for index, (tool, args) in enumerate(calls)]
    asked = check_calls(called, number, ("AC-1", "AC-2"))
    names = [call.name for call in asked if not call.error]
    texts = results if results is not None else tuple("ok" for _ in names)
    given = tuple(
        CallResult(call=name, status=status, exit=code, text=words, data=data or {})  # type: ignore[arg-type]
        for name, words in zip(names, texts, strict=False)
    )
    known: dict[str, Any] = {"asker": "a", "until": 1, "hold": "h", "model": MODEL}
    return StepState(
        step=number,
        asking=Asking(**(known | asking)),
        reply=Reply(step=number, text=text, calls=for_runner(asked)),
        calls=asked,
        raw={"line": number},
        stop=stop,
        billed=Billed(input=billed),
        results=given,
        changed=changed,
    )


_args = st.fixed_dictionaries({"command": st.text(max_size=20)})
_call = st.one_of(
    st.tuples(st.just("bash"), _args),
    st.tuples(st.just("view"), st.fixed_dictionaries({"path": st.text(max_size=8)})),
    st.tuples(st.just("write"), st.fixed_dictionaries({"path": st.just("a.py"), "content": st.text(max_size=20)})),
    st.tuples(
        st.sampled_from(["rm", "finish", "prove"]), st.dictionaries(st.text(max_size=5), st.integers(), max_size=2)
    ),
)


@st.composite
def stories(draw: st.DrawFn, max_size: int = 15) -> list[StepState]:
    """Steps as they could have been stored, with words of people, notes, folds and broken answers among them."""
    told = []
    for number in range(draw(st.integers(0, max_size))):
        calls = draw(st.lists(_call, max_size=3))
        told.append(
            step(
                number,
                *calls,
                text=draw(st.text(max_size=20)),
                results=tuple(draw(st.lists(st.text(max_size=50), max_size=3))),
                status=draw(st.sampled_from(["ok", "error", "timeout", "interrupted"])),
                code=draw(st.sampled_from([None, 0, 1])),
                changed=draw(st.booleans()),
                billed=draw(st.sampled_from([0, 100])),
                stop=draw(st.sampled_from(["", "cut"])),
                messages=tuple(
                    Said(by="octocat", text=text, at=1) for text in draw(st.lists(st.text(max_size=9), max_size=1))
                ),
                note=draw(st.sampled_from(["", "the machine was replaced"])),
                wrap_up=draw(st.booleans()),
                folded=draw(st.sampled_from([None, None, None, 2])),
            )
        )
    return told
