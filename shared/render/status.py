"""The status comment: the one text that is edited, mentions nobody, and says when it will be written again.

Each phase has its own few lines; what they share (notes, counts, the last line) is here.
"""

from __future__ import annotations

from typing import assert_never

from shared.domain.issue import IssueState
from shared.domain.view import View
from shared.render.forms import clock, day
from shared.render.markdown import paragraphs
from shared.render.model_words import trouble
from shared.render.status_asking import approved, idle, interviewing, meeting, proposed
from shared.render.status_halted import closed_unmerged, done, ended, paused, stopped, waiting
from shared.render.status_notes import counts, notes
from shared.render.status_working import building, in_review, verifying

WIDE_AT = "\uff20"
OVER = frozenset({"done", "ended"})


def render_status(view: View, now: int, next_by: int | None) -> str:
    """The whole status text. `now` and `next_by` in UTC ms; no `next_by` when only a person moves it on.

    It never holds an `@`: one in somebody else's words is written as the wide sign that mentions nobody.
    """
    text = paragraphs(
        _state(view, now), trouble(view, now), notes(view, now), counts(view), last_line(view, now, next_by)
    )
    return text.replace("@", WIDE_AT)


def _state(view: View, now: int) -> str:
    match view.issue.phase:
        case "idle":
            return idle(view)
        case "interviewing":
            return interviewing(view, now)
        case "meeting":
            return meeting(view)
        case "proposed":
            return proposed(view, now)
        case "approved":
            return approved(view, now)
        case "building":
            return building(view, now)
        case "verifying":
            return verifying(view)
        case "in_review":
            return in_review(view)
        case "done":
            return done(view, now)
        case "waiting":
            return waiting(view, now)
        case "paused":
            return paused(view, now)
        case "stopped":
            return stopped(view, now)
        case "ended":
            pull = view.issue.pull
            return closed_unmerged(view, now) if pull and pull.state == "closed" else ended(view, now)
    assert_never(view.issue.phase)


def last_line(view: View, now: int, next_by: int | None) -> str:
    """When this was written and when it will be written again: silence past that is a fault."""
    written = f"Persevere · written {clock(now)}"
    if next_by is not None:
        other_day = "" if day(next_by) == day(now) else f"{day(next_by)} "
        written += f", next by {other_day}{clock(next_by)}"
    elif view.issue.phase not in OVER:
        written += f", next when {_when(view.issue)}"
    jobs = (view.job, view.build, view.proof)
    if any(each.startswith("none") for each in (view.operator.sandbox_shown, *(job.sandbox for job in jobs if job))):
        written += " · no sandbox here: not fenced off"
    return f"{written} · `{view.operator.command} help`" if view.issue.phase == "interviewing" else written


def _when(issue: IssueState) -> str:
    """What moves it on when no clock does."""
    match issue.phase:
        case "interviewing" if issue.job is not None or "planner" in issue.deadlines:
            return "that is done"
        case "waiting" if issue.waiting is not None and issue.waiting.reason == "asleep":
            return "you wake it"
        case "interviewing" | "meeting":
            return "you answer"
        case "proposed" | "waiting" | "paused":
            return "you decide"
        case "in_review":
            return "someone reviews"
        case "stopped":
            return "you go on"
        case _:
            return "something changes"
