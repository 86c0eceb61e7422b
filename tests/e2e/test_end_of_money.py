"""At the end of the money there is a result, then a question: what is there is proved, then one line goes on."""

from typing import Any

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import HELLO, build, finish, settings, spec, write
from tests.e2e.whole_product import WholeProduct

DEAR: Any = {"usage": {"input": 2_000, "cached": 0, "output": 16_000}}
SCRIPT = (
    spec(),
    build(write("greet.py", 'def greet(name):\n    return "hey " + name\n'), **DEAR),
    build(write("greet.py", HELLO), finish()),
)


def at_the_end(place: Place) -> None:
    place.build()


def one_line_goes_on(place: Place) -> None:
    """The kept share paid for the proof; the line that the pause names is the only one, and it works."""
    state = place.state()
    assert state is not None and state.waiting is not None
    assert place.held() == 0
    assert {each.criterion: each.conclusion for each in state.verdicts} == {"AC-1": "failed", "AC-2": "kept"}
    asked = [each for each in place.replies() if "paused: the money" in each]
    assert len(asked) == 1
    assert asked[0].count("/persevere ") == 1
    assert "1 of 2 criteria hold" in asked[0]
    assert "The last round of building cost $0.1" in asked[0]
    place.say(state.waiting.line)
    place.settle()
    assert place.phase == "in_review"


def test_the_end_of_the_money_is_a_draft_that_is_proved_and_one_line(product: WholeProduct) -> None:
    Row(
        "the money for building is used up",
        at_the_end,
        "paused",
        status="**Paused: the money is used up, 1 of 2 criteria hold**",
        reply="/persevere extend +$1",
        pull_state="draft",
        pull="**Not proved: AC-1 fails on ",
        files=settings("budget: $0.20\n"),
        script=SCRIPT,
        more=one_line_goes_on,
    ).play(product)
