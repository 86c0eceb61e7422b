"""What is a command, what only looks like one, and what is ordinary words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.grammar import CommandLine, NearMiss, NoCommand, parse

COMMANDS = [
    ("/persevere", "", "", ""),
    ("/persevere ", "", "", ""),
    ("/PERSEVERE Plan", "plan", "", ""),
    ("/Persevere APPROVE v2 3F9A1C2E", "approve", "v2 3F9A1C2E", ""),
    ("\n\n  \n/persevere plan", "plan", "", ""),
    ("/persevere plan\r\n\r\nplease\r\n", "plan", "", "please"),
    ("/persevere plan\rplease", "plan", "", "please"),
    ("/persevere  status", "status", "", ""),
    ("/persevere status.", "status", "", ""),
    ("/persevere say use v1.2.", "say", "use v1.2.", ""),
    ("/persevere say  two  blanks ", "say", "two  blanks", ""),
    ("/persevere revise\n\nAC-3: warn\nand go on", "revise", "", "AC-3: warn\nand go on"),
    ("/persevere approve v2\n\nOn Mon octocat wrote:\n> /persevere plan\n", "approve", "v2", None),
    ("/persevere say this\n```\n/persevere stop\n```", "say", "this", "```\n/persevere stop\n```"),
    ("/persevere say this\n    /persevere stop", "say", "this", "/persevere stop"),
    ("/persevere stop\n- /persevere plan", "stop", "", "- /persevere plan"),
]


@pytest.mark.parametrize(("body", "verb", "arguments", "rest"), COMMANDS, ids=[repr(row[0][:30]) for row in COMMANDS])
def test_the_first_line_at_column_zero_is_a_command(body: str, verb: str, arguments: str, rest: str | None) -> None:
    parsed = parse(body)
    assert isinstance(parsed, CommandLine)
    assert (parsed.verb, parsed.arguments) == (verb, arguments)
    assert rest is None or parsed.rest == rest


NEAR = [
    ("please\n/persevere plan", "other_line", "/persevere plan"),
    ("> what octocat said\n/persevere plan", "other_line", "/persevere plan"),
    ("<!-- hidden -->\n/persevere plan", "other_line", "/persevere plan"),
    ("/persevere plan\n/persevere approve v1", "two_commands", "/persevere approve v1"),
    (" /persevere plan", "odd_blank", "/persevere plan"),
    ("\u00a0/persevere plan", "odd_blank", "/persevere plan"),
    ("/persevere\u00a0plan", "odd_blank", "/persevere plan"),
    ("/persevere\tplan", "odd_blank", "/persevere plan"),
    ("\u200b/persevere plan", "odd_blank", "/persevere plan"),
    ("\ufeff/persevere plan", "odd_blank", "/persevere plan"),
    ("/perse\u200bvere plan", "odd_blank", "/persevere plan"),
    ("/persevere\u3000plan", "odd_blank", "/persevere plan"),
]


@pytest.mark.parametrize(("body", "why", "quote"), NEAR, ids=[repr(row[0][:30]) for row in NEAR])
def test_what_nearly_is_a_command_runs_nothing_and_is_quoted(body: str, why: str, quote: str) -> None:
    assert parse(body) == NearMiss(why, quote)


WORDS = [
    "",
    "\n \n",
    "I think /persevere plan would help",
    "> /persevere plan",
    "  > /persevere plan",
    "On Mon, octocat wrote:\n> /persevere plan\n> please",
    "```\n/persevere plan\n```",
    "~~~sh\n/persevere plan\n~~~",
    "````\n```\n/persevere plan\n````",
    "```\n/persevere plan",
    "    /persevere plan",
    "\t/persevere plan",
    "<!-- /persevere plan -->",
    "<!--\n/persevere plan\n-->",
    "`/persevere plan`",
    "**/persevere plan**",
    "- /persevere plan",
    "1. /persevere plan",
    "@octocat /persevere plan",
    "/perseverex",
    "/persevere-plan",
    "/persever plan",
    "persevere plan",
    "/p\u0435rsevere plan",  # a Cyrillic letter
    "\uff0fpersevere plan",  # a full-width slash
    "//persevere plan",
    "/ persevere plan",
]


@pytest.mark.parametrize("body", WORDS)
def test_everything_else_is_ordinary_words(body: str) -> None:
    assert parse(body) == NoCommand()


def test_the_operators_own_word_is_listened_to_and_ours_is_not() -> None:
    assert parse("/bot plan", "/bot") == CommandLine("plan", "", "")
    assert parse("/BOT plan", "/bot") == CommandLine("plan", "", "")
    assert parse("/persevere plan", "/bot") == NoCommand()
    assert parse("/bots plan", "/bot") == NoCommand()


def test_a_letter_that_only_lowers_to_ours_is_not_ours() -> None:
    assert parse("/\u212aelvin plan", "/kelvin") == NoCommand()  # the sign of the unit


def test_text_after_a_closed_fence_is_spoken_again() -> None:
    assert parse("```\ncode\n```\n/persevere plan") == NearMiss("other_line", "/persevere plan")


@given(st.text())
def test_no_text_is_too_odd(body: str) -> None:
    parse(body)


@given(st.text(alphabet="/persv \n>`~<!-\t\u00a0\u200bx", max_size=60))
def test_a_command_always_stands_at_the_start_of_its_line(body: str) -> None:
    if isinstance(parse(body), CommandLine):
        first = next(line for line in body.splitlines() if line.strip())
        assert first.startswith("/persevere")
