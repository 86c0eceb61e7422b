"""What a trial ends in is decided from its one object; what it is told with, and what its set-up is fed with."""

import io
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from local.demo.wheels import pack
from local.trial.exits import PROVED, RED, WAITING
from local.trial.place import LOCK, alone, check_ours, drop_pages
from local.trial.play import typed
from local.trial.report import exit_code, faults
from local.trial.terminal import Terminal
from local.trial.watch import by_app
from shared.errors import NotConfigured


def proved(**more: Any) -> dict[str, Any]:
    criteria = [
        {"id": "AC-1", "kind": "new", "base": "fail", "head": "pass", "conclusion": "proved", "reason": ""},
        {"id": "AC-9", "kind": "keep", "base": "pass", "head": "pass", "conclusion": "kept", "reason": ""},
    ]
    checks = [
        {"name": name, "status": "completed", "conclusion": "success"}
        for name in ("Persevere", "Persevere / AC-1", "Persevere / AC-9")
    ]
    pull = {"number": 2, "draft": False, "state": "open", "head_sha": "a" * 40}
    found = {"phase": "in_review", "pull_request": pull, "criteria": criteria, "checks": checks, "money": {"held": 0}}
    return found | more


def test_everything_proved_is_green() -> None:
    assert faults(proved()) == []
    assert exit_code(proved()) == PROVED


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"pull_request": None, "checks": []}, "there is no pull request"),
        ({"pull_request": {"number": 2, "draft": True, "state": "open"}}, "pull request #2 is a draft"),
        ({"pull_request": {"number": 2, "draft": False, "state": "closed"}}, "pull request #2 is closed"),
        ({"criteria": []}, "no criterion was proved"),
        (
            {"criteria": [{"id": "AC-1", "conclusion": "failed", "reason": "exit code 1"}]},
            "AC-1 is failed: exit code 1",
        ),
        ({"criteria": [{"id": "AC-1", "conclusion": "accepted", "reason": ""}]}, "AC-1 is accepted: no reason given"),
        (
            {"checks": [{"name": "Persevere", "conclusion": "success"}]},
            "the check of AC-1 on the pull request does not say",
        ),
        (
            {
                "checks": [
                    {"name": f"Persevere{name}", "conclusion": "action_required" if not name else "success"}
                    for name in ("", " / AC-1", " / AC-9")
                ]
            },
            "the check Persevere says action_required",
        ),
        ({"money": {"held": 0.01}}, "money is still held"),
    ],
)
def test_one_thing_missing_is_red_and_named(more: dict[str, Any], words: str) -> None:
    assert any(fault.startswith(words) for fault in faults(proved(**more)))
    assert exit_code(proved(**more)) == RED


def test_an_honest_wait_has_a_code_of_its_own() -> None:
    assert exit_code(proved(phase="waiting", pull_request=None)) == WAITING


@pytest.mark.parametrize("conclusion", ["your_call", "already_true"])
def test_a_pull_request_that_lacks_a_persons_word_waits_for_it(conclusion: str) -> None:
    """Nothing else may be wrong: neither another criterion, nor its check."""
    asks = [
        {"name": "Persevere", "conclusion": "action_required"},
        {"name": "Persevere / AC-1", "conclusion": "success"},
    ]
    criteria = [*proved()["criteria"][:1], {"id": "AC-2", "conclusion": conclusion, "reason": ""}]
    found = proved(criteria=criteria, checks=asks)
    assert exit_code(found) == WAITING
    assert any(fault.startswith("AC-2 is ") for fault in faults(found))
    assert exit_code(found | {"checks": [{"name": "Persevere", "conclusion": "failure"}]}) == RED
    assert exit_code(found | {"criteria": [*criteria, {"id": "AC-3", "conclusion": "failed", "reason": ""}]}) == RED
    assert exit_code(found | {"phase": "ended"}) == RED


def test_used_up_money_waits_for_a_person() -> None:
    assert exit_code(proved(phase="paused", pull_request=None)) == WAITING


def test_what_it_waits_for_is_said_with_its_detail() -> None:
    waiting = {"reason": "not_published", "detail": "setup.yml: this path is protected", "line": "/persevere revise x"}
    found = proved(phase="waiting", pull_request=None, criteria=[], checks=[], waiting=waiting)
    assert faults(found)[0] == "not published: setup.yml: this path is protected"


def test_what_holds_already_is_said_where_nothing_is_to_be_built() -> None:
    waiting = {"reason": "nothing_to_build", "detail": "", "line": "/persevere revise <what>"}
    today = {"AC-1": "passes already", "AC-9": "12 pass"}
    found = proved(phase="waiting", pull_request=None, criteria=[], checks=[], waiting=waiting, today=today)
    assert faults(found)[:2] == ["nothing to build", "AC-1 passes already"]


def test_what_is_to_be_typed_is_never_cut() -> None:
    stream = io.StringIO()
    Terminal(stream).more_whole("to type next: /persevere revise leave .github/workflows/a-long-name.yml as it is")
    assert stream.getvalue().rstrip().endswith("a-long-name.yml as it is")
    assert stream.getvalue().count("\n") == 1


def test_why_a_check_cannot_run_is_said() -> None:
    found = proved(phase="proposed", pull_request=None, criteria=[], checks=[], cannot_run={"AC-3": "no such file"})
    assert faults(found)[0] == "AC-3 cannot be checked here: no such file"


def test_lines_fit_and_are_ascii() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.fact("sandbox", "bubblewrap (" + "namespaces, " * 12 + ")", "ok")
    terminal.told("octocat", "writes “Müller · 12 → 14” " * 6)
    terminal.more("AC-1: " + "x" * 200)
    lines = stream.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert stream.getvalue().isascii()
    assert lines[0].endswith(" ok")
    assert "M\\xfcller - 12 -> 14" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_only_an_app_is_listened_to() -> None:
    comments = [
        {"user": {"login": "persevere[bot]"}, "body": "3 questions", "id": 1},
        {"user": {"login": "hubot"}, "body": "3 questions", "id": 2},
        {"user": {"login": "persevere[bot]"}, "body": "1 question", "id": 3},
    ]
    assert (by_app(comments, "question") or {})["id"] == 3
    assert (by_app(comments, "questions") or {})["id"] == 1
    assert by_app(comments, "Approve") is None


def test_wheels_of_what_is_installed_can_be_installed(tmp_path: Path) -> None:
    wheels = pack(tmp_path / "wheels")
    assert {path.name.split("-")[0].lower() for path in wheels} >= {"pytest", "pluggy", "iniconfig", "packaging"}
    with zipfile.ZipFile(wheels[0]) as wheel:
        assert not [name for name in wheel.namelist() if name.endswith(".pyc") or name.startswith("..")]
    # An environment made by uv has no pip of its own; the interpreter below it has.
    pip = sys.executable if find_spec("pip") else str(getattr(sys, "_base_executable", sys.executable))
    command = [pip, "-m", "pip", "install", "--quiet", "--no-index", "--no-compile", "--find-links"]
    target = ["--target", str(tmp_path / "target"), "pytest"]
    subprocess.run([*command, str(tmp_path / "wheels"), *target], check=True, timeout=300)
    asked = [sys.executable, "-S", "-m", "pytest", "--version"]
    told = subprocess.run(
        asked, env={"PYTHONPATH": str(tmp_path / "target")}, capture_output=True, text=True, check=True, timeout=300
    )
    assert told.stdout.startswith("pytest ")


def test_wheels_of_what_is_not_installed_are_none(tmp_path: Path) -> None:
    assert pack(tmp_path, "octo-nothing-of-that-name") == []


def test_one_trial_at_a_time_in_a_place(tmp_path: Path) -> None:
    with alone(tmp_path / LOCK), pytest.raises(NotConfigured, match="another one runs in"), alone(tmp_path / LOCK):
        pass
    with alone(tmp_path / LOCK):
        pass


def test_what_no_trial_has_put_there_is_not_emptied(tmp_path: Path) -> None:
    check_ours(tmp_path)
    (tmp_path / "home" / "somebody").mkdir(parents=True)
    with pytest.raises(NotConfigured, match="would be emptied"):
        check_ours(tmp_path)
    drop_pages(tmp_path)
    assert (tmp_path / "home" / "somebody").is_dir()
    (tmp_path / LOCK).touch()
    check_ours(tmp_path)


@pytest.mark.parametrize(
    ("given", "on_path", "shown"),
    [
        (".venv/bin/persevere", False, ".venv/bin/persevere"),
        (".venv/bin/persevere", True, "persevere"),
        ("local/cli/__main__.py", False, "persevere"),
        ("my tools/persevere", False, "'my tools/persevere'"),
    ],
)
def test_a_line_to_type_works_where_no_path_leads_to_the_command(
    given: str, on_path: bool, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "bin"
    directory.mkdir()
    if on_path:
        (directory / "persevere").write_text("#!/bin/sh\n")
        (directory / "persevere").chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setattr("sys.argv", [given, "demo"])
    assert typed() == shown
