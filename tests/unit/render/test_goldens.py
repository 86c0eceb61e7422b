"""Every text that a person sees has a golden file and keeps the house's rules.

`PERSEVERE_GOLDEN=write` writes the files anew; the difference is then read by a person.
"""

import os
from pathlib import Path
from typing import get_args

import pytest

from shared.domain.issue import PHASES
from shared.domain.messages import Message
from shared.render.checks import render_checks
from tests.unit.render import views
from tests.unit.render.lint import broken_rules, unknown_verbs
from tests.unit.render.samples import COMMENTS, SAMPLES, STATUS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_text_is_its_golden_file(name: str) -> None:
    text, path = SAMPLES[name][1](), GOLDEN / f"{name}.md"
    if os.environ.get("PERSEVERE_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(SAMPLES)


@pytest.mark.parametrize("name", sorted(name for name in SAMPLES if SAMPLES[name][0] != "commit"))
def test_the_text_keeps_the_rules(name: str) -> None:
    kind, text = SAMPLES[name]
    assert list(broken_rules(text(), kind)) == []


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_text_holds_no_marker_and_ends_in_one_line_end(name: str) -> None:
    text = SAMPLES[name][1]()
    assert "<!--" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n\n")


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_text_names_no_verb_that_there_is_not(name: str) -> None:
    assert list(unknown_verbs(SAMPLES[name][1]())) == []


def test_every_message_has_a_sample() -> None:
    union = get_args(get_args(Message)[0])
    assert {type(message) for message, _ in COMMENTS.values()} == set(union)


def test_every_phase_has_a_status() -> None:
    shown = {name.split("-")[1] for name in STATUS}
    assert len(shown) >= len(PHASES)


@pytest.mark.parametrize("name", [name for name, (kind, _) in SAMPLES.items() if kind == "status"])
def test_a_status_says_when_it_was_written(name: str) -> None:
    last = SAMPLES[name][1]().rstrip().split("\n")[-1]
    assert last.startswith("Persevere · written ")
    over = name in ("status-done", "status-closed-unmerged")
    assert over or ", next by " in last or ", next when " in last


def test_check_titles_fit_the_merge_box() -> None:
    for view in (
        views.working(),
        views.proved(),
        views.proved(views.one_unproven()),
        views.halted("paused", "out_of_time"),
    ):
        for run in render_checks(view, views.NOW):
            assert len(run.title) <= 60
            assert "`" not in run.title
            assert run.actions == ()
