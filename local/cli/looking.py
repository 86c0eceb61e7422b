"""`status`, `events` and `stop`: what the table of this machine says, and the one thing that may be asked of it."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.github.people import Person
from local.keyring import Keyring
from local.trial.processes import address
from local.trial.records import Table
from local.trial.terminal import Terminal
from shared.domain.events import Event
from shared.domain.issue import IssueState
from shared.domain.job import JobState
from shared.domain.money import NANO, dollars
from shared.errors import Final
from shared.settings import read

LOOK_EVERY_S = 0.5


def status(environment: Mapping[str, str], *, json_line: bool) -> None:
    """One block an issue; as JSON a list of them."""
    table = Table(read(environment).home)
    found = table.issues()
    if json_line:
        _print([_issue(table, each) for each in found])
        return
    terminal = Terminal(sys.stdout)
    if not found:
        terminal.line("No issue yet.")
    for each in found:
        _tell(terminal, table, each)


def _tell(terminal: Terminal, table: Table, issue: IssueState) -> None:
    money = table.money(issue.pk)
    terminal.line(f"{issue.repository.full_name}#{issue.number}  {issue.title}"[:79])
    cost = f"{dollars(money.spent)} of {dollars(money.limit)}" if money.limit else f"asking {dollars(money.asking)}"
    if money.read:
        cost += f", {money.cached * 100 // money.read} % of the reading from the cache"
    terminal.line(f"  {issue.phase.replace('_', ' '):<13} {cost}")
    waits = issue.queued or next(
        (job.reason for job in [table.job(issue.job) if issue.job else None] if job and job.status == "queued"), ""
    )
    if waits:
        terminal.line(f"  queued        {waits}")
    if issue.waiting and issue.waiting.reason == issue.phase:
        terminal.line(f"  to go on      {issue.waiting.line}")
    elif issue.waiting:
        terminal.line(f"  waits for     {issue.waiting.reason.replace('_', ' ')}  {issue.waiting.line}")
    for line in map(table.line_now, issue.jobs):
        what = f"{line.kind} {line.purpose}".strip()
        terminal.line(f"    {line.id}  {what:<15} {line.status:<12} {line.steps:>3} steps {line.seconds:>7.1f} s")
    if issue.pull:
        terminal.line(f"  pull request  #{issue.pull.number}, {'draft' if issue.pull.draft else issue.pull.state}")
    terminal.line()


def _issue(table: Table, issue: IssueState) -> dict[str, Any]:
    money = table.money(issue.pk)
    return {
        "repository": issue.repository.full_name,
        "issue": issue.number,
        "title": issue.title,
        "phase": issue.phase,
        "waiting": issue.waiting.model_dump(mode="json") if issue.waiting else None,
        "jobs": [line.model_dump(mode="json") for line in map(table.line_now, issue.jobs)],
        "pull_request": issue.pull.model_dump(mode="json") if issue.pull else None,
        "money": {"limit": money.limit / NANO, "spent": money.spent / NANO, "held": money.held / NANO},
        "tokens": {"read": money.read, "cached": money.cached},
    }


def _job(table: Table, id: str) -> JobState:
    found = table.job(id)
    if found is None:
        raise Final(f"there is no job {id} here", "`persevere status` lists them")
    return found


def events(environment: Mapping[str, str], id: str, *, follow: bool, json_line: bool) -> None:
    """The job's events; with `follow` until it is over."""
    table = Table(read(environment).home)
    terminal = Terminal(sys.stdout)
    cursor: str | None = None
    while True:
        over = _job(table, id).over  # asked before its last events are read
        for place, event in table.events(id, cursor):
            cursor = place
            if json_line:
                _print(event.model_dump(mode="json"))
            else:
                _tell_event(terminal, event)
        if over or not follow:
            return
        time.sleep(LOOK_EVERY_S)


def _tell_event(terminal: Terminal, event: Event) -> None:
    at = datetime.fromtimestamp(event.at / 1000, UTC).strftime("%H:%M:%S")
    step = f"step {event.step}  " if event.step is not None else ""
    terminal.entry(f"{at}  {event.kind:<11} {step}", event.title)


def stop(environment: Mapping[str, str], id: str) -> None:
    """By the same door as everybody: a comment of a person."""
    settings = read(environment)
    table = Table(settings.home)
    job = _job(table, id)
    number = int(job.issue.rpartition("#")[2])
    line = f"{settings.command} stop"
    if job.over:
        sys.stdout.write(f"job {id} is over already ({job.status.replace('_', ' ')})\n")
        return
    app = Keyring(settings.home).app()
    asked = job.requested_by.login if job.requested_by else ""
    url = address(settings.home, "github") or settings.github_url
    if asked not in app.people:
        sys.stdout.write(f"Comment on {url}/{job.repository.full_name}/issues/{number}:\n\n{line}\n")
        return
    try:
        Person(url, asked, app.people[asked]).comment(job.repository.full_name, number, line)
    except urllib.error.URLError:
        raise Final(f"the simulator of {settings.home} does not run any more", "so nothing of it runs") from None
    sys.stdout.write(f"{asked} commented `{line}` on {job.repository.full_name}#{number}\n")


def _print(what: Any) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")
    sys.stdout.flush()
