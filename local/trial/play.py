"""A trial from the first process to the last: stage, story, report. What people do in it is the caller's."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from local.github.pages.export import export
from local.trial.exits import INTERRUPTED, RED
from local.trial.place import drop_pages
from local.trial.report import exit_code, faults, report
from local.trial.stage import Scenery, Stage
from local.trial.story import Story
from local.trial.terminal import Terminal
from local.trial.watch import Watch
from shared.domain.money import NANO, dollars
from shared.errors import Final


@dataclass(frozen=True)
class Play:
    """`act` is what people do once the issue is open, by `person`, who opened it. `patience_s` and `heartbeats`: see Watch."""

    scenery: Scenery
    person: str
    title: str
    body: str
    act: Callable[[Stage, Watch, Terminal], None]
    sandbox: str
    patience_s: float
    heartbeats: bool = False


def perform(play: Play, home: Path, terminal: Terminal, *, json_line: bool, pages: Path) -> int:
    """Run it, tell it, leave its pages, and answer with an exit code. No process is left, whatever happens."""
    with terminating():
        try:
            with Stage(home, play.scenery) as stage:
                found = _run(play, stage, terminal)
                _leave_pages(stage, terminal, pages)
        except KeyboardInterrupt:
            terminal.line()
            terminal.line("  stopped by you; nothing of it runs any more")
            return INTERRUPTED
    tell_result(found, terminal, pages)
    if json_line:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return int(found["exit"])


def _leave_pages(stage: Stage, terminal: Terminal, pages: Path) -> None:
    """What came out counts, with or without pages of it."""
    try:
        drop_pages(pages)
        export(stage.github_url, pages)
    except (OSError, ValueError, HTTPException) as error:
        terminal.line(f"  warn: the pages could not be written: {error}")


def _run(play: Play, stage: Stage, terminal: Terminal) -> dict[str, Any]:
    """The report, also where it broke off."""
    person = stage.people[play.person]
    repo = stage.scenery.full_name
    terminal.fact("github", f"simulator, {repo}", "ok")
    terminal.more_wide(f"{stage.github_url}/{repo}/issues/1")
    terminal.line()
    terminal.begin()
    issue = person.open_issue(repo, play.title, play.body)
    terminal.told(play.person, f'opens #{issue["number"]} "{play.title}"')
    repository = person.get(f"/repos/{repo}")
    story = Story(terminal, stage.table)
    watch = Watch(
        stage, story, repository["id"], issue["number"], patience_s=play.patience_s, heartbeats=play.heartbeats
    )
    broken = ""
    try:
        play.act(stage, watch, terminal)
    except Final as error:
        broken = f"{error}. {error.advice}".rstrip(". ")
    found = report(stage, person, watch.number, watch.issue, seconds=terminal.seconds, sandbox=play.sandbox)
    wrong = ([broken] if broken else []) + faults(found)
    code = RED if broken else exit_code(found)
    return found | {"result": {0: "proved", 3: "waiting"}.get(code, "red"), "wrong": wrong, "exit": code}


def tell_result(found: dict[str, Any], terminal: Terminal, pages: Path) -> None:
    """The last block: what came out, and where to look."""
    pull, money = found["pull_request"], found["money"]
    hold = sum(each["conclusion"] in ("proved", "kept") for each in found["criteria"])
    terminal.line()
    terminal.line({"proved": "  Result", "waiting": "  Result: it waits for a person"}.get(found["result"], "  FAIL"))
    state = (
        "none"
        if pull is None
        else f"#{pull['number']}, {'draft' if pull['draft'] else 'ready'}, head {pull['head_sha'][:7]}"
    )
    rows = [
        ("pull request", state),
        ("criteria", f"{hold} of {len(found['criteria'])} hold"),
        ("comments", f"{found['comments']} by Persevere, {found['notifications']} writes that notify"),
        (
            "money",
            f"{_shown(money['spent'])} of {_shown(money['limit'])}, held {_shown(money['held'])}; asking {_shown(money['asking'])}",
        ),
        ("time", f"{found['seconds']:.0f} s"),
    ]
    for name, value in rows:
        terminal.line(f"    {name:<14} {value}")
    for reason in found["wrong"]:
        for number, part in enumerate(textwrap.wrap(reason, 60)):
            name = "" if number else "wrong" if found["result"] == "red" else "open"
            terminal.line(f"    {name:<14} {part}")
    terminal.line()
    terminal.line(f"  Look      {short(pages / 'index.html')}")


def _shown(amount: float) -> str:
    return dollars(round(amount * NANO))


def short(path: Path) -> str:
    """From here, where it is below here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def typed() -> str:
    """How our command is typed here: by its path, where no PATH leads to it."""
    given = Path(sys.argv[0])
    by_path = given.name == "persevere" and shutil.which("persevere") is None
    return shlex.quote(short(given.absolute())) if by_path else "persevere"


@contextmanager
def terminating() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does: through every `finally`."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
