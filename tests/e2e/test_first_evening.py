"""The first evening: an App in two clicks, then a proved pull request without any webhook."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.demo.run import BODY, HERE, TITLE
from local.demo.wheels import pack
from local.github import start
from local.github.people import Person
from local.github.steering import Steering
from local.trial.watch import by_app
from tests.e2e.browser import Browser, driver
from tests.e2e.machine import machine
from tests.e2e.tiny_case import processes_of

pytestmark = pytest.mark.skipif(
    driver() is None and not os.environ.get("CI"),
    reason="no chromium and chromedriver here (Debian: chromium-driver)",
)

REPO = "octocat/octo-repo"
PICTURES = os.environ.get("PICTURES")


class Laptop:
    """A person's machine: a home, and a GitHub that it talks to."""

    def __init__(self, directory: Path, github: str) -> None:
        self.home = directory / "home"
        self._directory = directory
        wheels = directory / "wheels"
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.absolute().as_uri()} if pack(wheels) else {}
        given = machine()
        self.environment = given | offline | {
            "PERSEVERE_HOME": str(self.home),
            "PERSEVERE_GITHUB_URL": github,
            "PERSEVERE_MODEL": "scripted:demo",
            "PERSEVERE_SCRIPT": str(HERE / "conversation.jsonl"),
            "PERSEVERE_POLL_S": "0.5",
            "PERSEVERE_QUIET_S": "1",
            "PERSEVERE_WRITE_PACE_S": "0",
        }  # fmt: skip

    @contextmanager
    def persevere(self, *arguments: str) -> Iterator[Running]:
        command = [sys.executable, "-m", "local.cli", *arguments]
        running = Running(command, self.environment, self._directory / f"{arguments[0]}.out")
        try:
            yield running
        finally:
            running.end()

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "local.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)


class Running:
    """A command that goes on; what it has written so far is in `said`."""

    def __init__(self, command: list[str], environment: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self._output.read_text("utf-8", "replace")

    def until(self, what: str, there: Callable[[], Any], seconds: float = 300) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = there()
            if found:
                return found
            assert self.process.poll() is None, f"it ended while we waited for {what}:\n{self.said}"
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds:g} s for {what}:\n{self.said}")

    def leave(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def github(tmp_path: Path) -> Iterator[str]:
    simulator = start(tmp_path / "github")
    yield simulator.url
    simulator.stop()


@pytest.fixture
def octocat(github: str, tmp_path: Path) -> Person:
    steering = Steering(github)
    person = steering.person("octocat")
    tree = tmp_path / "tree"
    shutil.copytree(HERE / "sample", tree, ignore=shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache"))
    steering.repository("octocat", "octo-repo", path=tree)
    steering.repository("octocat", "diary", files={"README.md": "private\n"}, private=True)
    return person


def test_two_clicks_then_an_issue_becomes_a_proved_pull_request_without_a_webhook(
    tmp_path: Path, github: str, octocat: Person
) -> None:
    laptop = Laptop(tmp_path, github)
    clicks_twice(tmp_path, laptop)
    with laptop.persevere("up", "--json") as up:
        up.until("its first lines", lambda: '"data"' in up.said)
        facts = {row["fact"]: row["what"] for row in map(json.loads, up.said.splitlines()) if "fact" in row}
        assert REPO in facts["app"] and "diary" not in facts["app"]
        assert facts["listens"] == "by asking GitHub every 0.5 s (no public address set)"
        assert facts["limits"] == "asking $0.50, job $5.00 and 60 min, this machine $20.00 a day, $50.00 a month"
        pull = asks_and_approves(up, octocat)
        second = laptop.ask("up")
        assert second.returncode == 2 and f"process {up.process.pid}" in second.stderr
        assert up.leave() == 0
    assert (pull["state"], pull["draft"]) == ("open", False)
    checks = {each["name"]: each["conclusion"] for each in octocat.checks(REPO, pull["head"]["sha"])}
    assert checks["Persevere"] == "success"
    assert Steering(github).deliveries() == []
    assert processes_of(laptop.home) == []
    looks_behind_it(laptop, pull["number"])


def looks_behind_it(laptop: Laptop, pull: int) -> None:
    """`show` and `usage` tell what the evidence is and what it cost, from the table alone."""
    shown = {
        what: json.loads(laptop.ask("show", str(pull), what, "--json").stdout)[what]
        for what in ("evidence", "spec", "transcript", "ledger", "changeset")
    }
    assert {each["criterion"]: each["conclusion"] for each in shown["evidence"]["verdicts"]} == {
        "AC-1": "proved", "AC-2": "kept", "AC-3": "proved", "AC-4": "kept",
    }  # fmt: skip
    assert shown["spec"]["approval"]["way"] == "box"
    assert "src/octo/export.py" in {each["path"] for each in shown["changeset"]["changes"]}
    assert {each["job"] for each in shown["transcript"]} > {"planner"}
    (row,) = json.loads(laptop.ask("usage", "--by", "issue", "--json").stdout)["rows"]
    assert row["name"] == f"{REPO}#1"
    assert abs(row["cost"] - sum(each["spent_nano"] for each in shown["ledger"]) / 1e9) < 1e-9
    for what in shown:
        told = laptop.ask("show", "1", what)
        assert told.returncode == 0 and told.stdout.isascii(), told.stderr


def clicks_twice(tmp_path: Path, laptop: Laptop) -> None:
    """`init --local` and a browser. Nobody types anything."""
    with laptop.persevere("init", "--local", "--no-browser", "--wait", "600") as init, Browser(tmp_path) as browser:
        address = init.until("the address", lambda: re.search(r"http://127\.0\.0\.1:\d+", init.said))[0]
        browser.go(address)
        browser.wait_for("Create GitHub App for @octocat")
        picture(browser, "create")
        browser.click("Create GitHub App for octocat", "button")
        browser.wait_for("Install persevere-")
        picture(browser, "install")
        browser.click("Only select repositories", "label")
        browser.click(REPO, "label")
        browser.click("Install", "button")
        browser.wait_for("was installed on the @octocat account")
        init.until("its end", lambda: "Next:  persevere up" in init.said)
        assert init.process.wait(120) == 0, init.said
        assert f"installed on {REPO}" in init.said
        assert max(map(len, init.said.splitlines())) <= 80 + len(str(laptop.home))
    kept = laptop.home / "keys" / "app.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["asked"] == {
        "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
    }  # fmt: skip


def picture(browser: Browser, name: str) -> None:
    if PICTURES:
        browser.picture(Path(PICTURES) / f"{name}.png")


def asks_and_approves(up: Running, octocat: Person) -> dict[str, Any]:
    """What a person does on GitHub, and the pull request that comes of it."""
    number = octocat.open_issue(REPO, TITLE, BODY)["number"]
    octocat.comment(REPO, number, "/persevere")

    def ours(words: str) -> Any:
        return by_app(octocat.comments(REPO, number), words)

    up.until("questions", lambda: ours("before I can write the spec"))
    octocat.comment(REPO, number, "1c 2a 3a")
    spec = up.until("a spec", lambda: ours("Approve v1 and start"))
    octocat.tick(REPO, spec["id"])
    return up.until("a pull request", lambda: next((each for each in octocat.pulls(REPO) if not each["draft"]), None))
