"""All our check runs of the newest head, as one level: made, changed, and ended on the head before.

Found again by `external_id` `<job>:<slot>` among our App's runs of that commit. A run that has ended stays as it is
when another job speaks for its slot; that job gets a run of its own, which GitHub shows instead.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done
from shared.github import checks
from shared.github.answers import NotFound
from shared.github.checks import Run, RunText
from shared.github.client import GitHub
from shared.render.checks import CheckText, render_checks
from shared.render.leftovers import render_superseded

UNFINISHED = ("queued", "in_progress")


def perform(attempt: Attempt) -> Outcome:
    """remote: checks {"<head>:<slot>": run id}, seen {the same: what was written}, head."""
    view = attempt.view
    head = view.issue.head or view.issue.marker_head
    if head is None:
        return done(attempt.effect.remote)
    github = attempt.github("check")
    _supersede(attempt, github, head)
    known = _Known(attempt, github, head)
    job = view.issue.job or view.issue.verified_job or view.issue.build or "none"
    for text in render_checks(view, attempt.now):
        known.show(_run_text(text, job), text.slot)
    return done({"checks": known.ids, "seen": known.seen, "head": head})


class _Known:
    """The runs that we know of on one head, from the record of last time, this attempt's stage, or GitHub's list."""

    def __init__(self, attempt: Attempt, github: GitHub, head: str) -> None:
        self._attempt, self._github, self._head = attempt, github, head
        stage, remote = attempt.effect.stage, attempt.effect.remote
        mine = f"{head}:"
        self.ids: dict[str, int] = _of_head(remote.get("checks"), mine) | _of_head(stage.get("checks"), mine)
        self.seen: dict[str, dict[str, str]] = _of_head(remote.get("seen"), mine) | _of_head(stage.get("seen"), mine)
        self._listed: Sequence[Run] | None = None

    def show(self, run: RunText, slot: str) -> None:
        name = f"{self._head}:{slot}"
        digest = hashlib.sha256(repr(sorted(asdict(run).items(), key=lambda each: each[0])).encode()).hexdigest()
        if name not in self.ids:
            self._find(name, slot, run)
        state = "open" if run.conclusion is None else "ended"
        last = self.seen.get(name, {})
        if name in self.ids and (last.get("external"), last.get("digest")) == (run.external_id, digest):
            return
        replaced = last.get("state") == "ended" and last.get("external") != run.external_id
        try:
            made = None if name not in self.ids or replaced else checks.update(self._github, self.ids[name], run)
        except NotFound:
            made = None
        if made is None:
            made = checks.create(self._github, self._head, run)
        self.ids[name] = made.id
        self.seen[name] = {"external": run.external_id, "digest": digest, "state": state, "name": run.name}
        self._attempt.save(checks=self.ids, seen=self.seen)

    def _find(self, name: str, slot: str, run: RunText) -> None:
        """Only where an earlier attempt may have made one: the newest of that slot."""
        if not self._attempt.again:
            return
        if self._listed is None:
            self._listed = checks.runs_of(self._github, self._head, self._attempt.outside.app_id)
        for each in self._listed:
            if each.slot == slot:
                self.ids[name] = each.id
                ended = each.status == "completed"
                state = "ended" if ended else "open"
                self.seen[name] = {"external": each.external_id, "digest": "", "state": state, "name": each.name}
                if each.external_id == run.external_id:
                    return


def _supersede(attempt: Attempt, github: GitHub, head: str) -> None:
    """Runs of an older head that are unfinished end neutral, so that nothing waits for them."""
    title, summary = render_superseded(head)
    remote = attempt.effect.remote
    for name, id_ in dict(remote.get("checks") or {}).items():
        seen = (remote.get("seen") or {})[name]
        ended = seen["state"] == "ended" or name in attempt.effect.stage.get("superseded", ())
        if ended or name.startswith(f"{head}:"):
            continue
        end = RunText(seen["name"], seen["external"], "completed", "neutral", title, summary, completed_at=attempt.now)
        with contextlib.suppress(NotFound):
            checks.update(github, int(id_), end)
        attempt.save(superseded=[*attempt.effect.stage.get("superseded", ()), name])


def _of_head(found: Any, prefix: str) -> dict[str, Any]:
    return {name: value for name, value in dict(found or {}).items() if name.startswith(prefix)}


def _run_text(text: CheckText, job: str) -> RunText:
    return RunText(
        name=text.name,
        external_id=f"{job}:{text.slot}",
        status=text.status,
        conclusion=text.conclusion,
        title=text.title,
        summary=text.summary,
        text=text.text,
        started_at=text.started_at,
        completed_at=text.completed_at,
        actions=[asdict(action) for action in text.actions],
    )
