"""Title, body, draft or ready, and reviewers of the pull request, as they should be by now."""

from __future__ import annotations

import hashlib

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done, refused
from shared.github import pulls
from shared.github.answers import Refusal
from shared.github.client import GitHub
from shared.github.graphql import make_draft, mark_ready
from shared.github.pulls import PullRequest
from shared.render.pull import render_pull


def perform(attempt: Attempt) -> Outcome:
    """data: {draft, reviewers}. What a person wrote into title or body is replaced: the text is ours, their words are
    comments.
    """
    pull = attempt.view.issue.pull
    if pull is None:
        return done(attempt.effect.remote)
    github = attempt.github("publish")
    there = pulls.read(github, pull.number)
    if there is None:
        return refused("gone", words=f"#{pull.number} is gone")
    if there.state != "open":
        return done(attempt.effect.remote | {"number": pull.number, "state": there.state})
    text = render_pull(attempt.view)
    if (there.title, there.body) != (text.title, text.body):
        there = pulls.edit(github, pull.number, title=text.title, body=text.body)
    draft = _set_draft(github, there, wanted=bool(attempt.data.get("draft")))
    asked, not_asked = _ask(attempt, github, there, draft=bool(attempt.data.get("draft")))
    return done({
        "number": pull.number,
        "draft": draft,
        "state": there.state,
        "sha256": hashlib.sha256(there.body.encode()).hexdigest(),
        "reviewers": asked,
        "not_asked": not_asked,
    })  # fmt: skip


def _set_draft(github: GitHub, pull: PullRequest, *, wanted: bool) -> bool:
    """Whether it is a draft now. Where there are no drafts a label says it, and goes with it."""
    labelled = pulls.DRAFT_LABEL in pull.labels
    if wanted and not pull.draft and not labelled:
        try:
            make_draft(github, pull.node_id)
        except Refusal:
            pulls.add_label(github, pull.number, pulls.DRAFT_LABEL)
            return False
        return True
    if not wanted and pull.draft:
        mark_ready(github, pull.node_id)
    if not wanted and labelled:
        pulls.remove_label(github, pull.number, pulls.DRAFT_LABEL)
    return wanted and pull.draft


def _ask(attempt: Attempt, github: GitHub, pull: PullRequest, *, draft: bool) -> tuple[list[str], str]:
    """Reviewers are asked once, when it becomes ready: asking again would notify again."""
    asked = [str(login) for login in attempt.effect.remote.get("reviewers") or ()]
    wanted = [] if draft else [str(login) for login in attempt.data.get("reviewers") or () if login not in asked]
    wanted = [login for login in wanted if login not in pull.reviewers]
    not_asked = pulls.request_reviews(github, pull.number, wanted)
    return (asked if not_asked else [*asked, *wanted]), not_asked
