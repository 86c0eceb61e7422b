"""`persevere demo`: what a newcomer types, from the first process to the last."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import machine
from tests.e2e.tiny_case import processes_of
from tests.e2e.watch import leaks_of_kept

PERSEVERE = (sys.executable, "-m", "local.cli")


def environment(**more: str) -> dict[str, str]:
    return machine() | more


def persevere(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [*PERSEVERE, *arguments]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, timeout=800, check=False)


def only(found: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [job for job in found["jobs"] if job["kind"] == kind]


@pytest.mark.parametrize("through", ["", "anthropic"])
def test_an_issue_becomes_a_proved_pull_request(tmp_path: Path, through: str) -> None:
    """Once with the conversation inside of the host, once over HTTP with a provider's own client."""
    ran = persevere("demo", "--json", "--keep", "--through", through, "--home", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 1
    found = json.loads(ran.stdout)

    assert found["result"] == "proved"
    assert found["wrong"] == []
    assert {
        each["id"]: (each["kind"], each["base"], each["head"], each["conclusion"]) for each in found["criteria"]
    } == {
        "AC-1": ("new", "fail", "pass", "proved"),
        "AC-2": ("keep", "pass", "pass", "kept"),
        "AC-3": ("new", "fail", "pass", "proved"),
        "AC-4": ("keep", "pass", "pass", "kept"),
    }
    assert found["approval"]["sha256"] == found["spec"]["sha256"]
    assert (found["approval"]["by"], found["approval"]["role"], found["approval"]["way"]) == (
        "octocat",
        "maintain",
        "box",
    )
    assert (found["pull_request"]["state"], found["pull_request"]["draft"]) == ("open", False)
    assert {each["name"]: each["conclusion"] for each in found["checks"]} == {"Persevere": "success"} | {
        f"Persevere / AC-{number}": "success" for number in (1, 2, 3, 4)
    }
    # The point of it: the first proof finds a fault that the agent did not see, the second one proves the repair.
    assert [job["round"] for job in only(found, "build")] == [1, 2]
    assert [job["status"] for job in only(found, "verify")] == ["handed_over", "handed_over"]
    assert "AC-2 FAILED" in ran.stderr
    assert found["notifications"] <= 5
    assert 0 < found["money"]["spent"] < found["money"]["limit"] == 6
    assert found["money"]["held"] == 0
    assert (tmp_path / "pages" / "index.html").is_file()
    assert processes_of(tmp_path) == []
    assert leaks_of_kept(tmp_path) == []

    looks_at_what_is_kept(tmp_path / "home", found)


def looks_at_what_is_kept(home: Path, found: Mapping[str, Any]) -> None:
    """`status`, `events` and `stop` read the same home afterwards."""
    (issue,) = json.loads(persevere("status", "--json", PERSEVERE_HOME=str(home)).stdout)
    assert (issue["phase"], issue["pull_request"]["number"]) == ("in_review", found["pull_request"]["number"])
    build = only(found, "build")[0]["id"]
    told = persevere("status", PERSEVERE_HOME=str(home)).stdout
    assert build in told
    assert max(map(len, told.splitlines())) <= 80
    events = persevere("events", build, "--json", "--follow", PERSEVERE_HOME=str(home)).stdout.splitlines()
    assert {json.loads(line)["kind"] for line in events} >= {"step", "phase"}
    stopped = persevere("stop", build, PERSEVERE_HOME=str(home), PERSEVERE_WORLD="sim")
    assert "is over already (handed over)" in stopped.stdout
    missing = persevere("stop", "nothing", PERSEVERE_HOME=str(home))
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (1, "FAIL  there is no job nothing here")


def test_the_agents_machine_is_killed_and_it_ends_the_same_without_a_question_more(tmp_path: Path) -> None:
    """Its fourth answer is stored when it dies; the next machine is given that answer, and nobody is asked for it again."""
    ran = persevere("demo", "--json", "--keep", "--home", str(tmp_path), "--kill-runner-at", "4")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["result"], found["wrong"], found["money"]["held"]) == ("proved", [], 0)
    assert "machine lost; another one goes on" in ran.stderr
    first, second = only(found, "build")
    assert (first["epoch"], second["epoch"]) == (2, 1)
    # Each scripted answer once.
    assert (first["steps"], second["steps"]) == (10, 5)
    told = persevere("events", first["id"], "--json", PERSEVERE_HOME=str(tmp_path / "home")).stdout.splitlines()
    titles = [json.loads(line)["title"] for line in told]
    assert any("signal 9" in title for title in titles), titles
    assert sum(json.loads(line)["kind"] == "step" for line in told) == 10
    assert processes_of(tmp_path) == []


def test_without_the_effects_consumer_nobody_answers_and_it_ends_red(tmp_path: Path) -> None:
    ran = persevere("demo", "--json", "--home", str(tmp_path), "--patience", "5", PERSEVERE_WITHOUT="effects")
    found = json.loads(ran.stdout)
    assert ran.returncode == 1, ran.stderr
    assert found["result"] == "red"
    assert found["wrong"][0].startswith("nothing has changed for 5 s")
    assert (found["comments"], found["pull_request"], found["criteria"]) == (0, None, [])
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_and_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    command = [*PERSEVERE, "demo", "--home", str(tmp_path)]
    with subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a shell starts in the background ignores SIGINT, and so does all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "status comment" in line:  # a survey has begun, or is about to
                demo.send_signal(number)
                break
        rest = demo.stdout.read()
        assert demo.wait(120) == 130, rest
    assert "stopped by you" in rest
    assert processes_of(tmp_path) == []


def test_a_sandbox_that_is_named_and_not_here_is_refused(tmp_path: Path) -> None:
    ran = persevere("demo", "--home", str(tmp_path), PERSEVERE_SANDBOX="nonsense")
    assert ran.returncode == 2
    assert "there is no sandbox called 'nonsense'" in ran.stderr
