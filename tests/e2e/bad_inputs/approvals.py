"""Approvals of what is not the newest spec as it was posted, and of what can never come to anything."""

from __future__ import annotations

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import GOOD, settings, spec

DAY_S = 24 * 3600


def old(place: Place) -> None:
    place.plan()
    place.say("/persevere revise say it with an exclamation mark")
    place.settle()
    place.approve(1)


def edited(place: Place) -> None:
    """Somebody with write access weakens the text and ticks its box in one edit."""
    place.plan()
    comment = place.spec_comment()
    text = comment["body"].replace("greet says hello", "greet says anything").replace("- [ ] ", "- [x] ")
    place.octocat.edit_comment(place.full_name, comment["id"], text)


def put_back(place: Place) -> None:
    text = place.spec_comment()["body"]
    assert "greet says hello" in text
    assert "greet says anything" not in text
    assert "- [ ] **Approve v1" in text


def expired(place: Place) -> None:
    place.plan()
    place.product.pass_time(8 * DAY_S)
    place.product.until("the approval to close", lambda: place.phase == "waiting")
    place.settle()
    place.approve(1)


def too_small(place: Place) -> None:
    place.plan()
    place.approve(1)


ROWS = (
    Row(
        "approve of an old version",
        old,
        "proposed",
        status="**Spec v2 waits for approval**",
        reply="**Not started: v1 is not the newest.** v2 was posted at",
        reactions=("confused",),
        script=(spec(), spec(title="Greet people with hello!")),
    ),
    Row(
        "approve of an edited version",
        edited,
        "proposed",
        status="**Spec v1 waits for approval**",
        reply="**Not started: someone changed the text of my spec comment.** octocat edited v1:",
        more=put_back,
    ),
    Row(
        "a budget too small for one call",
        too_small,
        "proposed",
        status="**Spec v1 waits for approval**",
        reply="**Not started: $0.01 cannot pay for the first steps.**",
        reactions=("confused",),
        files=settings("budget: $0.01\n"),
    ),
)

LAST = (
    Row(
        "approve of an expired version",
        expired,
        "waiting",
        status="**Waiting: nobody decided about the spec**",
        reply="**`approve` was not done: no spec waits for approval.**",
        reactions=("confused",),
        script=GOOD,
    ),
)
"""Time passes for everybody, so this comes when nobody else is at work."""
