"""`status`, `events`, `show` and `usage` on a home: what they say, and the one rule of how they end."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from local.cli import app
from local.cli.version import version
from local.home import open_store
from local.trial.exits import BAD, PROVED, RED
from local.trial.records import Table
from local.trial.story import Story
from local.trial.terminal import Terminal
from shared.domain import keys
from shared.domain.events import Event
from shared.domain.issue import IssueState, JobLine, Waiting
from shared.domain.job import JobState, Lease
from shared.domain.people import Repository
from shared.domain.protocol import Reply
from shared.domain.record import ABSENT, Key, Put, Record
from shared.domain.step import StepState

NAME = "octo-org/octo-repo"
JOB = "k3m8x2a9qd"
LONG = "bash: python -m pytest -q " + "tests/test_export.py " * 7 + "-> exit 0"

Persevere = Callable[..., int]


@pytest.fixture
def persevere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Persevere:
    """Types a command for the home `tmp_path/home`, and answers with its exit code."""
    for name in [each for each in os.environ if each.startswith("PERSEVERE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PERSEVERE_HOME", str(tmp_path / "home"))

    def typed(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["persevere", *words])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return int(ended.value.code or 0)

    return typed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


def put(home: Path, *found: tuple[Key, str, Any]) -> None:
    store = open_store(home)
    for key, kind, body in found:
        store.commit(Put(Record(key, kind, body.model_dump(mode="json")), ABSENT))
    store.close()


def known(home: Path, status: str = "running", **line: Any) -> None:
    """Issue #42 with one job, and its events."""
    repository = Repository(id=7, full_name=NAME)
    pk = keys.issue_pk(7, 42)
    row = JobLine(id=JOB, kind="build", status=status, **line)
    issue = IssueState(
        pk=pk, repository=repository, installation_id=1, number=42, title="CSV", phase="building", job=JOB, jobs=(row,)
    )
    job = JobState.model_validate(
        {"id": JOB, "kind": "build", "status": status, "issue": pk, "repository": repository, "installation_id": 1}
    )
    event = Event(at=1_767_225_600_000, job=JOB, phase="building", kind="tool", step=3, title=LONG)
    put(
        home,
        (keys.issue_state(pk), "issue", issue),
        (keys.job_state(JOB), "job", job),
        (keys.event(JOB, event.at, "s3", 1), "event", event),
    )


def at_work(home: Path, *, answers: int) -> None:
    """What a runner leaves while it works: so many answers, one question that waits, and its lease."""
    said = [StepState(step=at, reply=Reply(step=at, text="so"), raw={"text": "so"}) for at in range(answers)]
    lease = Lease(
        job=JOB, launch=2, epoch=2, nonce="n" * 20, until=1, step=answers - 1, seconds=30.0, seconds_before=12.5
    )
    put(
        home,
        *[(keys.step(JOB, each.step), "step", each) for each in [*said, StepState(step=answers)]],
        (keys.job_lease(JOB), "lease", lease),
    )


def test_a_running_job_shows_its_steps_and_time(
    home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    known(home)
    at_work(home, answers=7)
    assert persevere("status") == PROVED
    assert f"    {JOB}  build           running        7 steps    42.5 s" in capsys.readouterr().out.splitlines()
    assert persevere("status", "--json") == PROVED
    (row,) = json.loads(capsys.readouterr().out)[0]["jobs"]
    assert (row["steps"], row["seconds"]) == (7, 42.5)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"claimed_at": 1_000, "until": 61_000, "seconds": 15.0}, 60.0),  # long ago: no longer than its lease held
        ({"claimed_at": 1_000, "until": 61_000, "seconds": 70.0}, 70.0),
        ({"claimed_at": 1_000, "until": 61_000, "seconds": 15.0, "seconds_before": 20.0, "finished": True}, 35.0),
        ({"claimed_at": 0, "until": 61_000, "seconds": 15.0}, 15.0),
    ],
)
def test_between_two_heartbeats_the_lease_says_how_long_it_has_worked(
    fields: dict[str, Any], seconds: float, home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    known(home)
    put(home, (keys.job_lease(JOB), "lease", Lease(job=JOB, launch=1, epoch=1, nonce="n" * 20, **fields)))
    assert persevere("status", "--json") == PROVED
    (row,) = json.loads(capsys.readouterr().out)[0]["jobs"]
    assert row["seconds"] == seconds


def test_a_job_that_has_ended_shows_what_it_ended_with(
    home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    known(home, "handed_over", steps=10, seconds=99.0)
    at_work(home, answers=7)
    assert persevere("status", "--json") == PROVED
    (row,) = json.loads(capsys.readouterr().out)[0]["jobs"]
    assert (row["steps"], row["seconds"]) == (10, 99.0)


def test_a_job_that_nobody_has_claimed_yet_has_no_steps(
    home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    known(home, "queued")
    assert persevere("status", "--json") == PROVED
    (row,) = json.loads(capsys.readouterr().out)[0]["jobs"]
    assert (row["steps"], row["seconds"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("phase", "reason", "shown", "told"),
    [
        ("stopped", "stopped", "  to go on      /persevere resume", "Persevere  stopped"),
        (
            "paused",
            "out_of_money",
            "  waits for     out of money  /persevere resume",
            "Persevere  paused: out of money",
        ),
    ],
)
def test_a_halt_says_its_reason_once_and_the_line_to_type(
    phase: str,
    reason: str,
    shown: str,
    told: str,
    home: Path,
    persevere: Persevere,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pk = keys.issue_pk(7, 42)
    waiting = Waiting(reason=reason, line="/persevere resume", since=1)
    issue = IssueState.model_validate(
        {"pk": pk, "repository": Repository(id=7, full_name=NAME), "installation_id": 1, "number": 42}
        | {"phase": phase, "waiting": waiting}
    )
    put(home, (keys.issue_state(pk), "issue", issue))
    assert persevere("status") == PROVED
    assert shown in capsys.readouterr().out.splitlines()
    story = io.StringIO()
    Story(Terminal(story), Table(home)).tell(issue)
    first, second = story.getvalue().splitlines()
    assert first.endswith(told)
    assert second.strip() == "to type next: /persevere resume"


def test_an_event_is_one_line_in_a_pipe(home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]) -> None:
    known(home)
    assert persevere("events", JOB) == PROVED
    assert capsys.readouterr().out == f"00:00:00  tool        step 3  {LONG}\n"


LOOK = ("status", "usage", "show 42 ledger", f"events {JOB}", f"stop {JOB}")


@pytest.mark.parametrize("words", LOOK)
def test_in_a_home_where_nothing_has_run_there_is_nothing_to_look_at(
    words: str, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert persevere(*words.split()) == RED
    assert "nothing has run in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("show 9", "nothing is known of 9 here"),
        ("show 42", f"there is no evidence of {NAME}#42 yet"),
        ("show 42 spec", f"there is no spec of {NAME}#42 yet"),
        ("show 42 transcript --json", f"there is no transcript of {NAME}#42 yet"),
        ("show 42 ledger", f"there is no ledger of {NAME}#42 yet"),
        ("show 42 changeset", f"there is no changeset of {NAME}#42 yet"),
        ("events nobody", "there is no job nobody here"),
        ("stop nobody", "there is no job nobody here"),
    ],
)
def test_what_is_named_and_not_there_ends_with_1(
    words: str, said: str, home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    known(home)
    assert persevere(*words.split()) == RED
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("is_there", [True, False], ids=["known", "nothing-has-run"])
@pytest.mark.parametrize(
    "words", ["show 42 colour", "show first", "usage --by colour", "usage --colour", "show", "events", "stop a b"]
)
def test_words_that_say_nothing_end_with_2_whatever_is_there(
    words: str, is_there: bool, home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    if is_there:
        known(home)
    assert persevere(*words.split()) == BAD
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", ["status", "status --json", "usage", "usage --by model --json"])
def test_an_empty_list_is_an_answer(
    words: str, home: Path, persevere: Persevere, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(home).close()
    assert persevere(*words.split()) == PROVED
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", ["status", "events", "stop", "show", "usage"])
def test_the_help_says_how_it_ends(command: str, persevere: Persevere, capsys: pytest.CaptureFixture[str]) -> None:
    assert persevere(command, "--help") == PROVED
    said = capsys.readouterr().out
    assert " ".join(app.READS.split()) in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("below", ["", "/below"])
@pytest.mark.parametrize("words", ["up", "init --local", "case .", "ask scripted:demo hi", "demo --home {}"])
def test_a_file_where_the_home_should_be_is_named(
    words: str,
    below: str,
    tmp_path: Path,
    persevere: Persevere,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("mine")
    place = f"{tmp_path}/file{below}"
    monkeypatch.setenv("PERSEVERE_HOME", place)
    monkeypatch.setenv("PERSEVERE_SCRIPT", str(tmp_path / "talk.jsonl"))
    (tmp_path / "talk.jsonl").write_text(json.dumps({"for": "planner", "text": "Hi."}) + "\n")
    assert persevere(*words.format(place).split()) == BAD
    assert f"{place} cannot be a directory: a file is in its way" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_the_version_is_the_projects(persevere: Persevere, capsys: pytest.CaptureFixture[str]) -> None:
    assert persevere("--version") == PROVED
    said = capsys.readouterr().out
    pyproject = (Path(__file__).resolve().parents[3] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{said.removeprefix("persevere ").strip()}"' in pyproject.splitlines()


def test_a_copy_without_its_project_file_knows_its_version_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installer notes it beside the code."""
    noted = tmp_path / "persevere-98.7.dist-info" / "METADATA"
    noted.parent.mkdir()
    noted.write_text("Metadata-Version: 2.1\nName: persevere\nVersion: 98.7\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert version(tmp_path / "pyproject.toml") == "98.7"


def test_every_command_has_a_help_that_fits(persevere: Persevere, capsys: pytest.CaptureFixture[str]) -> None:
    names = list(typer.main.get_command(app.app).commands)  # type: ignore[attr-defined]
    assert len(names) > 10
    for words in ([], *([name] for name in names)):
        assert persevere(*words, "-h") == PROVED
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
