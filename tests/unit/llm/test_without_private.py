"""What a provider will not take back of its own does not end the work: it is asked once more without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.llm.access import Access
from shared.llm.providers import open_model
from shared.llm.without_private import Forgiving
from shared.ports import Answer, ModelFailed, Request, Usage
from tests.contract.models.desk import question

TURN = {"role": "assistant", "text": "I look.", "calls": [], "raw": {"provider": "openai", "turn": ["secret"]}}
GO_ON = {"role": "user", "text": "Go on."}


class Suspicious:
    """Takes nothing private back; `cause` is what it says of it."""

    def __init__(self, cause: str, times: int = 99) -> None:
        self.cause, self.times, self.asked = cause, times, list[Request]()

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self.asked.append(request)
        if len(self.asked) <= self.times and any(turn.get("raw") for turn in request.turns):
            raise ModelFailed("could not be verified", cause=self.cause)
        return Answer("done", (), Usage(1), "end", {})


def test_it_is_asked_again_with_the_same_words() -> None:
    inner = Suspicious("private")
    assert Forgiving(inner).ask(question(TURN, GO_ON), 10, lambda: None).text == "done"
    first, second = inner.asked
    assert [turn.get("text") for turn in second.turns] == [turn.get("text") for turn in first.turns]
    assert (second.system, second.tools) == (first.system, first.tools)


@pytest.mark.parametrize("cause", ["request", "key", "too_long"])
def test_other_refusals_are_not_asked_twice(cause: str) -> None:
    inner = Suspicious(cause)
    with pytest.raises(ModelFailed):
        Forgiving(inner).ask(question(TURN, GO_ON), 10, lambda: None)
    assert len(inner.asked) == 1


def test_every_model_that_is_opened_does_so() -> None:
    assert isinstance(open_model("gemini:gemini-3.8-flash", Access("k")), Forgiving)
