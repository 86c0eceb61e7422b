"""The small parts that every text is made of, and texts that need no golden file."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.commands.table import COMMANDS
from shared.domain.issue import PHASES, Note, Waiting
from shared.domain.repository_settings import RepositorySettings
from shared.render import forms
from shared.render.checks import render_checks
from shared.render.comments.answers import NOT_NOW
from shared.render.pull import render_pull
from shared.render.reasons import REASONS
from shared.render.spec_comment import render_spec
from shared.render.spec_difference import difference
from shared.render.status import render_status
from shared.render.status_notes import NOTES
from shared.render.table_of_states import render_commands, render_states
from tests.unit.render import views
from tests.unit.render.lint import VERBS, broken_rules

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (forms.clock(views.NOW), "14:02 UTC"),
        (forms.until(views.NOW), "23 Nov 14:02 UTC"),
        (forms.moment(views.NOW, views.NOW + 24 * 3600_000), "23 Nov 14:02 UTC"),
        (forms.when(views.NOW, views.NOW), "at 14:02 UTC"),
        (forms.short("9e8d7c6b5a"), "`9e8d7c6`"),
        (forms.short(""), "`unknown`"),
        (forms.short("`; rm"), "`unknown`"),
        (forms.spent(views.ledger(112)), "$1.12 of $6.00"),
        (forms.worked(views.ledger(112, 481)), "9 of 60 min"),
        (forms.took(0.42), "0.4 s"),
        (forms.took(41), "41 s"),
        (forms.took(181), "4 min"),
        (forms.count(1, "reply", "replies"), "1 reply"),
        (forms.count(2, "reply", "replies"), "2 replies"),
        (forms.login("octo[bot]"), "octo\\[bot\\]"),
        (forms.login("@evil/team <x>"), "evilteamx"),
        (forms.mention("octocat\n@all"), "@octocatall"),
        (forms.turn(""), "nobody's turn"),
        (forms.listed(["a", "b", "c"]), "a, b and c"),
        (forms.sentence("no machine"), "No machine."),
    ],
)
def test_forms(shown: str, wanted: str) -> None:
    assert shown == wanted


@pytest.mark.parametrize(
    ("named", "found", "shown"),
    [
        ("make setup", "uv sync", "gh pr checkout persevere/42-k3m8x2a9qd && make setup"),
        (None, "uv sync", "gh pr checkout persevere/42-k3m8x2a9qd && uv sync"),
        (None, None, "gh pr checkout persevere/42-k3m8x2a9qd"),
        (None, "pip install -e .\nnpm ci", "gh pr checkout persevere/42-k3m8x2a9qd"),
        (None, "pip install " + "one-more " * 20, "gh pr checkout persevere/42-k3m8x2a9qd"),
    ],
)
def test_who_tries_a_pull_request_sets_it_up_first(named: str | None, found: str | None, shown: str) -> None:
    settings = RepositorySettings(setup=named)
    view = views.proved(survey=views.survey(setup=found), settings=settings)
    assert shown in render_pull(view).body.splitlines()


def test_held_money_is_not_shown_as_spent() -> None:
    assert forms.spent(views.ledger(100, holds={"a": views.cents(200)})) == "$1.00 of $6.00"


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_a_text_even_when_nothing_else_is_known(phase: str) -> None:
    bare = views.view(views.issue(phase), ask=None)
    text = render_status(bare, views.NOW, None)
    assert list(broken_rules(text, "status")) == []
    assert render_checks(bare, views.NOW)[0].conclusion != "success"


@pytest.mark.parametrize("name", ["unheard_of", "near_miss_odd_blank", "not_done", "pushed", "answer_dropped"])
def test_every_note_has_words(name: str) -> None:
    note = Note(name=name, who="hubot", text="b7c8d9e0", at=views.at("14:20"))
    assert "14:20 UTC" in render_status(views.waiting_spec(notes=(note,)), views.at("14:21"), None)


def test_a_halt_for_an_unknown_reason_is_not_silent() -> None:
    halt = Waiting(
        reason="moon_phase", detail="it is waning", line="/persevere resume", whose="octocat", since=views.NOW
    )
    text = render_status(views.working("waiting", waiting=halt, job=None), views.NOW, None)
    assert "**Waiting: moon phase** · octocat's turn" in text
    assert "It is waning." in text
    assert "/persevere resume" in text


def test_many_criteria_are_folded_and_what_fails_stays_in_sight() -> None:
    verdicts = tuple(
        views.verdict("AC-1", "failed" if number == 7 else "kept", reason="red").model_copy(
            update={"criterion": f"AC-{number}"}
        )
        for number in range(1, 13)
    )
    view = views.working(round=2, head=views.HEAD, verified_head=views.HEAD, verdicts=verdicts)
    text = render_status(view, views.NOW, views.NOW)
    seen = text.split("<details>", maxsplit=1)[0]
    assert "AC-7" in seen
    assert "AC-8" not in seen
    assert list(broken_rules(text, "status")) == []


@pytest.mark.parametrize(
    ("view", "conclusion"),
    [
        (views.working(), None),
        (views.working("approved"), None),
        (views.working("verifying", head=views.HEAD), None),
        (views.proved(), "action_required"),
        (views.proved(views.all_held()), "success"),
        (views.proved(views.all_held(), phase="done"), "success"),
        (views.proved(views.all_held(), verified_head="0" * 40), "action_required"),
        (views.proved(views.one_unproven()), "action_required"),
        (views.halted("waiting", "unproved"), "failure"),
        (views.halted("paused", "out_of_money"), "action_required"),
        (views.halted("ended", "fault"), "failure"),
        (views.working("waiting", job=None), "action_required"),
    ],
)
def test_the_umbrella_is_green_only_when_everything_holds_on_this_head(
    view: views.View, conclusion: str | None
) -> None:
    umbrella, *rest = render_checks(view, views.NOW)
    assert umbrella.conclusion == conclusion
    assert (umbrella.status == "completed") is (conclusion is not None)
    assert all(run.conclusion != "action_required" for run in rest)
    assert [run.slot for run in rest] == ([f"AC-{n}" for n in range(1, 6)] if view.issue.head else [])


def test_what_is_not_proved_on_this_head_is_not_shown_as_proved() -> None:
    text = render_pull(views.proved(views.all_held(), verified_head="0" * 40)).body
    assert "**Not proved yet** on `5c4d3e2`." in text
    assert "**proved**" not in text


def test_words_of_ours_are_not_shown_as_the_agents() -> None:
    """A job that failed was never handed over: its summary says why it ended."""
    view = views.proved(views.all_held())
    assert view.build is not None
    failed = replace(
        view, build=view.build.model_copy(update={"status": "failed", "summary": "The model said no more."})
    )
    text = render_pull(failed).body
    assert "What the agent says it did" not in text
    assert "How the agent's work ended" in text
    assert "The model said no more." in text
    assert "What the agent says it did" in render_pull(view).body


def test_without_a_difference_of_the_contract_no_line_differs() -> None:
    assert difference(views.record(2), views.record(3)) == (0, "")


@given(st.text(max_size=60), st.text(max_size=60))
def test_lines_of_a_difference_fit_a_phone(was: str, now: str) -> None:
    old, new = (views.record(n, views.spec(n, goals=(goal,))) for n, goal in ((2, was), (3, now)))
    _, lines = difference(old, new)
    assert all(len(line) <= 40 for line in lines.split("\n"))
    assert all(line[:1] in ("", " ", "-", "+") for line in lines.split("\n"))
    assert "```" not in lines


def test_a_version_that_the_view_does_not_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="v7"):
        render_spec(views.waiting_spec(), 7)


def test_a_repository_that_wants_the_fingerprint_shows_no_box() -> None:
    state = views.waiting_spec().issue
    settings = state.settings.model_copy(update={"approval": "exact"})
    view = views.view(state.model_copy(update={"settings": settings}), spec=views.record())
    text = render_spec(view, 2)
    line = f"/persevere approve v2 {views.record().sha256[:8]}"
    assert "- [ ]" not in text
    assert line in text
    assert line in render_status(view, views.NOW, None)


def test_another_prefix_is_used_everywhere() -> None:
    operator = views.OPERATOR.model_copy(update={"command": "/robot"})
    view = views.view(views.waiting_spec().issue, spec=views.record(), operator=operator)
    assert "/persevere" not in render_status(view, views.NOW, None)
    assert "/persevere" not in render_spec(view, 2)
    assert "/robot approve v2" in render_spec(view, 2)


def test_the_tables_of_the_readme_name_everything_once() -> None:
    states, commands = render_states(), render_commands()
    for phase in PHASES:
        assert f"\n| `{phase}` |" in states
    assert {command.verb for command in COMMANDS} - {""} == VERBS
    for command in COMMANDS:
        assert f"`/persevere {command.usage}`".replace(" `", "`") in commands


# --- names that the workflow uses and that want words -------------------------------------------------------------


def constants(wanted: dict[str, tuple[int | None, str]]) -> dict[str, set[str]]:
    """Constant strings that are given to calls by name: {call: (position or None, keyword)} -> {call: strings}."""
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for path in (ROOT / "shared" / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in wanted:
                continue
            position, keyword = wanted[name]
            given = [each.value for each in node.keywords if each.arg == keyword]
            if position is not None:
                given += node.args[position : position + 1]
            found[name] |= {
                each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    return found


USED = constants(
    {
        "NotNow": (None, "why"),
        "note": (0, "name"),
        "halt": (2, "reason"),
        "_halt": (1, "reason"),
        "Waiting": (None, "reason"),
        "stop": (2, "reason"),
    }
)


def test_every_name_that_the_workflow_uses_has_words() -> None:
    assert USED["NotNow"] <= set(NOT_NOW)
    assert USED["note"] <= set(NOTES)
    assert USED["halt"] | USED["_halt"] | USED["Waiting"] | USED["stop"] <= set(REASONS)
    assert min(len(names) for names in USED.values()) >= 1
