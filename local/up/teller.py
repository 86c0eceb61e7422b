"""Tells what happens in this home, as it happens: one thread that reads the table and writes lines."""

from __future__ import annotations

import sqlite3
import time
from typing import TextIO

from aws_lambda_powertools import Logger

from local.polling.poller import Poller
from local.trial.records import Table
from local.trial.story import Story
from local.up.lines import IssueTerminal, Lines
from local.worker import Worker
from shared.domain import keys
from shared.domain.inbound import Inbound
from shared.domain.issue import IssueState

LOOK_EVERY_S = 0.5
FAR_MS = 60_000

logger = Logger(service="host")


class Teller(Worker):
    """A worker of the host. What happened before it came is not told again."""

    def __init__(self, table: Table, lines: Lines, stream: TextIO, poller: Poller | None) -> None:
        super().__init__("teller")
        self._table = table
        self._lines = lines
        self._stream = stream
        self._poller = poller
        self._versions: dict[str, int] = {}
        self._stories: dict[str, tuple[IssueTerminal, Story]] = {}
        self._handled: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        self._places: set[str] | None = None

    def start(self) -> None:
        self._tell_issues(quiet=True)
        super().start()

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.look()
            except Exception:  # telling must never stop the work; the next look tells it
                logger.exception("teller.failed")

    def look(self) -> None:
        """Tell what is new."""
        self._tell_issues(quiet=False)
        if self._poller is not None:
            self._tell_polling(self._poller)

    def _tell_issues(self, *, quiet: bool) -> None:
        for pk, version in self._table.store.database.run(_issue_versions):
            if self._versions.get(pk) == version:
                continue
            self._versions[pk] = version
            issue = self._table.issue(*keys.issue_of(pk))
            if issue is not None:
                self._tell(pk, issue, quiet=quiet)

    def _tell(self, pk: str, issue: IssueState, *, quiet: bool) -> None:
        place = f"{issue.repository.full_name}#{issue.number}"
        if pk not in self._stories:
            terminal = IssueTerminal(self._lines, place, self._stream)
            self._stories[pk] = terminal, Story(terminal, self._table)
        terminal, story = self._stories[pk]
        terminal.quiet = quiet
        self._tell_people(pk, place, quiet=quiet)
        story.tell(issue)

    def _tell_people(self, pk: str, place: str, *, quiet: bool) -> None:
        """What people typed and ticked, once the conductor has dealt with it."""
        for sk, inbound, outcome in self._table.handled(pk, self._handled.get(pk)):
            self._handled[pk] = sk
            what = _shown(inbound)
            if what and inbound.sender is not None and not quiet:
                refused = f"  -> {outcome}" if outcome.startswith(("refused", "not run")) else ""
                self._lines.told(place, inbound.sender.login, what + refused)

    def _tell_polling(self, poller: Poller) -> None:
        heartbeat = poller.heartbeat
        places = {each.place.repository.full_name for each in heartbeat.repositories.values()}
        if self._places is not None:
            for name in sorted(places - self._places):
                self._lines.told("", "github", f"installed on {name}")
            for name in sorted(self._places - places):
                self._lines.told("", "github", f"not installed on {name} any more")
        if places or self._places is not None:
            self._places = places
        troubles = {each.place.repository.full_name: each.trouble for each in list(heartbeat.repositories.values())}
        again = {each.place.repository.full_name: each.rest.until for each in list(heartbeat.repositories.values())}
        for name, trouble in (troubles | {"": heartbeat.trouble}).items():
            before = self._troubles.get(name, "")
            if trouble != before:
                self._troubles[name] = trouble
                of = f"{name}: " if name else ""
                words = (
                    again_words(trouble, again.get(name, 0), round(time.time() * 1000)) if trouble else "answers again"
                )
                self._lines.told("", "github", f"{of}{words}")


def again_words(trouble: str, next_at: int, now: int) -> str:
    """What is wrong, and when GitHub is asked again (UTC ms) where that is not soon."""
    at = f" at {time.strftime('%H:%M', time.localtime(next_at / 1000))}" if next_at - now >= FAR_MS else ""
    return f"{trouble.rstrip('.')}; it is asked again{at}"


def _shown(inbound: Inbound) -> str:
    """A command or a tick in one line; "" for what is not a person's deed."""
    match inbound.kind:
        case "command" | "near_miss" if inbound.comment is not None:
            first = next((line for line in inbound.comment.body.splitlines() if line.strip()), "")
            return first.strip()[:200]
        case "box" if inbound.comment is not None:
            return "uses the box of a spec"
        case "answer":
            return "answers" if inbound.comment is not None else ""
        case _:
            return ""


def _issue_versions(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    rows = connection.execute("SELECT pk, version FROM item WHERE pk LIKE 'ISSUE#%' AND sk = ?", (keys.STATE,))
    return [(str(pk), int(version)) for pk, version in rows.fetchall()]
