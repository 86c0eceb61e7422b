"""The status comment: one for the issue's life, edited for ever, made anew once when somebody deleted it."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.comment import find, remote_of, signed
from functions.effects.outcome import Outcome, done
from shared.domain.view import View
from shared.github import comments
from shared.github.answers import NotFound
from shared.render.status import render_status

PROMISE_MS = 5 * 60 * 1000
_WORKING = frozenset({"approved", "building", "verifying"})


def perform(attempt: Attempt) -> Outcome:
    view, now = attempt.view, attempt.now
    promised = next_by(view, now)
    said = {"written_at": now, "next_by": promised}
    text = signed(render_status(view, now, promised), attempt.marker)
    github = attempt.github("comment")
    known = int(attempt.effect.remote.get("id", 0)) or (
        view.issue.slots["status"].id if "status" in view.issue.slots else 0
    )
    remade = int(attempt.effect.remote.get("remade", 0))
    if not known and attempt.again:
        found = find(attempt, view.issue.number)
        known = found.id if found else 0
    if known:
        try:
            posted = comments.edit(github, known, text, last_line=attempt.marker)
            return done(remote_of(posted) | said | {"remade": remade})
        except NotFound:
            if remade:
                raise
            remade = 1
    posted = comments.create(github, view.issue.number, text, last_line=attempt.marker)
    return done(remote_of(posted) | said | {"remade": remade})


def next_by(view: View, now: int) -> int | None:
    """By when (UTC ms) the status will be written again, or None when only a person moves the issue on."""
    issue = view.issue
    asking = issue.phase == "interviewing" and (
        issue.interview.asked_at is None or issue.interview.heard_at is not None or "planner" in issue.deadlines
    )
    if issue.job is not None or issue.phase in _WORKING or asking:
        return now + PROMISE_MS
    if issue.phase == "waiting" and "provider" in issue.deadlines:
        return max(now, issue.deadlines["provider"]) + PROMISE_MS
    return None
