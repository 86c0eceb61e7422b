"""Commands that are none, or not by whom, where or how they count. Nothing starts, and whoever may know is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.app import speak_as_app
from tests.e2e.place import Place
from tests.e2e.row import Row

IDLE = "**Nothing is under way** · nobody's turn"


def known(place: Place) -> None:
    """An issue that we know and where nothing runs."""
    place.open_issue()
    place.say("/persevere status")
    place.settle()


def words(name: str, text: str) -> Row:
    """Words that are no command and nobody's mistake: what stands there still stands."""

    def deeds(place: Place) -> None:
        known(place)
        place.say(text)

    return Row(name, deeds, "idle", status=IDLE, replies=0, reactions=())


def mistaken(name: str, text: str, **expected: Any) -> Row:
    """A command of somebody with the role that cannot be carried out, on an issue that we never heard of."""

    def deeds(place: Place) -> None:
        place.open_issue()
        place.say(text)

    return Row(name, deeds, "idle", reactions=("confused",), **expected)


def by_edit(place: Place) -> None:
    known(place)
    comment = place.say("Who can have a look?")
    place.settle()
    place.octocat.edit_comment(place.full_name, comment["id"], "/persevere plan")


def by_a_bot(place: Place) -> None:
    known(place)
    place.spoken = speak_as_app(place, "hubot", "/persevere plan")


def not_stored(reason: str) -> Callable[[Place], None]:
    """It did reach the door, which told GitHub why it passed over it."""

    def look(place: Place) -> None:
        told = [
            each["response"]["payload"]
            for each in place.product.steering.deliveries()
            if each["repository_id"] == place.repository_id
        ]
        assert any(reason in each for each in told), told

    return look


def without_the_role(place: Place) -> None:
    place.plan()
    place.say("/persevere approve v1", by=place.hubot)


ROWS = (
    words("a command in quotes", "> /persevere plan\n\nI would wait with that."),
    words("a command in code", "Later I type:\n\n```\n/persevere plan\n```\n"),
    words("a command in the middle of a line", "You could type /persevere plan here."),
    Row(
        "a command by edit",
        by_edit,
        "idle",
        status=IDLE,
        replies=0,
        reactions=(),
        more=not_stored("an edit of somebody's comment starts nothing"),
    ),
    Row(
        "a command by a bot",
        by_a_bot,
        "idle",
        status=IDLE,
        replies=0,
        reactions=(),
        more=not_stored("a bot's comment"),
    ),
    Row(
        "a command without the role",
        without_the_role,
        "proposed",
        status="Left out: 1 command by people without write access.",
        replies=1,
        reactions=("-1",),
    ),
    mistaken(
        "a misspelt command",
        "/persevere pln",
        reply="**No such command: `pln`.** Did you mean `/persevere plan`? Nothing was done.",
    ),
    mistaken(
        "a command on the wrong line",
        "Thanks for looking into it!\n\n/persevere plan",
        status="has `/persevere plan` below its first line. Commands count in the first line only, so nothing was started.",
        replies=0,
    ),
    mistaken(
        "a command with bad arguments",
        "/persevere approve the second one",
        reply="**Nothing was done: `/persevere approve` needs other words.** `the second one` is no version;",
    ),
)
