"""The table of commands: arguments, what is meant, what is offered to whom."""

from __future__ import annotations

import pytest

from shared.domain.commands.command import Given, Wrong
from shared.domain.commands.table import BY_VERB, COMMANDS, MEANT, can_now, line_of, nearest
from shared.domain.people import Role
from tests.unit.domain.places import PLACES, at
from tests.unit.domain.promises import lines_work
from tests.unit.domain.world_in_memory import HUBOT, OCTOCAT, STRANGER, TRIAGER

WRITE = {"", "interview", "plan", "approve", "revise", "resume", "retry", "accept", "include", "verify", "model"}
TRIAGE = {"spec", "say", "stop", "status", "help"}


def test_who_may_type_what() -> None:
    roles = {command.verb: command.role for command in COMMANDS}
    assert {verb for verb, role in roles.items() if role == Role.WRITE} == WRITE
    assert {verb for verb, role in roles.items() if role == Role.TRIAGE} == TRIAGE
    assert {verb for verb, role in roles.items() if role == Role.MAINTAIN} == {"extend"}
    assert {command.verb for command in COMMANDS if command.overtakes} == {"stop", "status", "help"}
    assert len(BY_VERB) == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=[command.verb or "bare" for command in COMMANDS])
def test_every_example_is_taken(command: object) -> None:
    from shared.domain.commands.command import Command

    assert isinstance(command, Command)
    assert command.examples and command.summary
    for example in command.examples:
        verb, _, arguments = example.partition(" ")
        assert verb == command.verb
        assert command.check(Given(verb, arguments, "")) is None, example


GOOD = [
    ("approve", "2", ""),
    ("approve", "v2.", ""),
    ("approve", "v2 3F9A1C2E", "thanks"),
    ("extend", "+$2 +20 min", ""),
    ("extend", "1h", ""),
    ("accept", "ac-12: fine", ""),
    ("accept", "AC-1", "because"),
    ("revise", "", "a text below"),
    ("revise", "budget and time are fine, change AC-1", ""),
    ("include", "<https://github.com/o/r/issues/1#issuecomment-12>", ""),
    ("spec", "V2", ""),
    ("say", "", "below"),
]


@pytest.mark.parametrize(("verb", "arguments", "rest"), GOOD)
def test_arguments_that_are_taken(verb: str, arguments: str, rest: str) -> None:
    assert BY_VERB[verb].check(Given(verb, arguments, rest)) is None


BAD = [
    ("", "now"),
    ("plan", "it"),
    ("resume", "v1"),
    ("retry", "please"),
    ("verify", "AC-1"),
    ("status", "now"),
    ("approve", ""),
    ("approve", "vv2"),
    ("approve", "v2 xyz"),
    ("approve", "v2 3f9a"),
    ("approve", "v99999"),
    ("extend", ""),
    ("extend", "more"),
    ("extend", "-$2"),
    ("extend", "+$0"),
    ("accept", ""),
    ("accept", "AC"),
    ("accept", "everything"),
    ("revise", ""),
    ("revise", "budget much"),
    ("revise", "budget $0"),
    ("revise", "time soon"),
    ("include", ""),
    ("include", "https://github.com/o/r/issues/1"),
    ("include", "#issuecomment-x"),
    ("say", ""),
    ("say", "x" * 5000),
    ("spec", "two"),
]


@pytest.mark.parametrize(("verb", "arguments"), BAD, ids=[f"{verb} {arguments[:12]}" for verb, arguments in BAD])
def test_arguments_that_are_refused_with_a_sentence(verb: str, arguments: str) -> None:
    wrong = BY_VERB[verb].check(Given(verb, arguments, ""))
    assert isinstance(wrong, Wrong)
    assert wrong.why


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("aprove", "approve v1"),
        ("yes", "approve v1"),
        ("lgtm", "approve v1"),
        ("resum", "resume"),
        ("cancel", "stop"),
        ("halp", "help"),
        ("go", " "),
        ("statsu", "status"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_the_nearest_line_is_offered_and_never_guessed(word: str, line: str) -> None:
    assert nearest(word, at("proposed").view()) == line


def test_every_near_synonym_leads_to_a_command_and_is_none_itself() -> None:
    for word, verb in MEANT.items():
        assert verb in BY_VERB
        assert word not in BY_VERB


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("who", [OCTOCAT, HUBOT, TRIAGER, STRANGER], ids=lambda who: str(who.login))
def test_what_is_offered_is_short_and_works(place: str, who: object) -> None:
    from shared.domain.people import Person

    assert isinstance(who, Person)
    world = at(place)
    rows = can_now(world.view(), world.roles[who.id], requester=False)
    assert len(rows) <= 5
    assert len({line for line, _ in rows}) == len(rows)
    assert all(does for _, does in rows)
    assert bool(rows) or who in (STRANGER, TRIAGER)
    lines_work(world, who)


def test_every_verb_has_a_line_in_every_place() -> None:
    for place in PLACES:
        view = at(place).view()
        assert all(line_of(verb, view) or verb == "" for verb in BY_VERB)


def test_the_one_who_asked_may_steer_without_a_role() -> None:
    world = at("building")
    world.roles[OCTOCAT.id] = Role.NONE
    assert world.says(OCTOCAT, "/persevere say use the csv module") == "executed"
    assert world.says(OCTOCAT, "/persevere stop") == "executed"
    assert world.says(OCTOCAT, "/persevere resume") == "refused: role"
