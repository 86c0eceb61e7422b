"""Waits, as a person does: looks again and again at GitHub, until something is there or nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from local.github.people import Person
from local.trial.stage import Stage
from local.trial.story import Story
from shared.domain.issue import IssueState
from shared.errors import Final

LOOK_EVERY_S = 0.3
CATCH_UP_S = 1.0
HALTS = ("waiting", "paused", "stopped", "ended", "done")
BOT = "[bot]"


class Stalled(Final):
    """Nothing changed for too long; the text says where it stands."""


class Watch:
    """One issue, seen by one person. The story is told along the way."""

    def __init__(
        self, stage: Stage, story: Story, repository_id: int, number: int, *, patience_s: float, heartbeats: bool
    ) -> None:
        """`patience_s` without any change ends in Stalled. `heartbeats`: that a runner is alive counts as a change,
        for repositories whose set-up and tests take minutes.
        """
        self._stage = stage
        self._story = story
        self._repository_id = repository_id
        self.number = number
        self._patience_s = patience_s
        self._heartbeats = heartbeats
        self._seen: object = None
        self._writes = 0
        self._moved = time.monotonic()

    @property
    def issue(self) -> IssueState | None:
        return self._stage.table.issue(self._repository_id, self.number)

    def until(self, there: Callable[[], Any]) -> Any:
        """What `there` answers when it is not false, or None when the issue has come to a halt before.

        Raises Stalled, ProcessDied.
        """
        while True:
            self._stage.check()
            issue = self.issue
            if issue is not None:
                self._story.tell(issue)
            found = there()
            if found:
                self._catch_up()
                return found
            if issue is not None and issue.phase in HALTS and not self._stage.table.open_work(issue.pk):
                return there() or None
            self._see(issue)
            time.sleep(LOOK_EVERY_S)

    def _catch_up(self) -> None:
        """A comment is seen a moment before the table says so; the story tells it before what people do about it."""
        until = time.monotonic() + CATCH_UP_S
        while not self.settled() and time.monotonic() < until:
            time.sleep(0.05)
        issue = self.issue
        if issue is not None:
            self._story.tell(issue)

    def settled(self) -> bool:
        """Whether everything that was to be written on GitHub is there."""
        issue = self.issue
        return issue is not None and not self._stage.table.open_work(issue.pk)

    def _see(self, issue: IssueState | None) -> None:
        seen = self._everything(issue)
        if seen != self._seen:
            self._seen, self._moved = seen, time.monotonic()
        elif time.monotonic() - self._moved > self._patience_s:
            raise Stalled(
                f"nothing has changed for {self._patience_s:.0f} s; it stands at: {self._where(issue)}",
                f"read {self._stage.home / 'host.log'}",
            )

    def _everything(self, issue: IssueState | None) -> object:
        self._writes += len(self._stage.steering.log(since=self._writes))
        if issue is None:
            return self._writes
        lease = self._stage.table.lease(issue.job) if issue.job else None
        alive = (lease.until if self._heartbeats else (lease.step, lease.doing)) if lease else None
        return self._writes, issue.phase, issue.jobs, issue.round, alive

    def _where(self, issue: IssueState | None) -> str:
        if issue is None:
            return "the first command reached nobody"
        work = [key.sk for key in self._stage.table.open_work(issue.pk)]
        job = f", job {issue.job}" if issue.job else ""
        return f"{issue.phase}{job}" + (f", {len(work)} open records such as {work[0][:40]}" if work else "")


REFUSED = "refused"


def answer_to(person: Person, repo: str, comment: int) -> str:
    """What a command has come to, by the reactions on it: "" (nothing yet), refused, or taken."""
    found = person.get(f"/repos/{repo}/issues/comments/{comment}/reactions")
    contents = {each["content"] for each in found if each["user"]["login"].endswith(BOT)}
    if contents & {"confused", "-1"}:
        return REFUSED
    return "taken" if "rocket" in contents else ""


def by_app(comments: list[dict[str, Any]], words: str) -> dict[str, Any] | None:
    """The newest comment of an App's account that has these words."""
    found = [each for each in comments if each["user"]["login"].endswith(BOT) and words in each["body"]]
    return found[-1] if found else None
