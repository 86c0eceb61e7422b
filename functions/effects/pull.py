"""Open the pull request of a branch, once. One that is there already is ours when our App opened it."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done, refused
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.errors import Retryable
from shared.github import pulls
from shared.github.client import GitHub
from shared.github.pulls import AlreadyThere, DraftsUnsupported, NoCommits, PullRequest
from shared.render.pull import render_pull


def perform(attempt: Attempt) -> Outcome:
    """data: {branch, base, draft, reviewers}. A closed one of ours is `closed`; there is never a second."""
    github = attempt.github("publish")
    found = _find(attempt, github)
    if isinstance(found, Outcome):
        return found
    if found is not None:
        return _done(attempt, github, found, adopted=True)
    try:
        pull = _open(attempt, github, draft=bool(attempt.data.get("draft")))
    except NoCommits as refusal:
        return refused("no_change", words=refusal.details[0] if refusal.details else refusal.words)
    except AlreadyThere as refusal:
        found = _find(attempt, github)
        if isinstance(found, PullRequest):
            return _done(attempt, github, found, adopted=True)
        if found is None:
            raise Retryable("GitHub says that there is one, and does not list it yet", 5.0) from refusal
        return found
    return _done(attempt, github, pull, adopted=False)


def _open(attempt: Attempt, github: GitHub, *, draft: bool) -> PullRequest:
    """Where the plan has no drafts: an ordinary one, with a label that says so (see `_done`)."""
    data, text = attempt.data, render_pull(attempt.view)
    base = str(data.get("base") or attempt.issue.repository.default_branch)
    try:
        return pulls.open_pull(
            github, branch=str(data["branch"]), base=base, title=text.title, body=text.body, draft=draft
        )
    except DraftsUnsupported:
        return _open(attempt, github, draft=False)


def _find(attempt: Attempt, github: GitHub) -> PullRequest | Outcome | None:
    """The open one of this branch, an outcome where there cannot be one, or None."""
    ours = f"{attempt.outside.operator.app_slug}[bot]"
    found = pulls.by_branch(github, str(attempt.data["branch"]))
    for pull in found:
        if pull.state == "open":
            if pull.author == ours:
                return pull
            words = f"{pull.author} opened #{pull.number} from our branch"
            return refused("unprocessable", words=words, number=pull.number)
    for pull in found:
        if pull.author == ours:
            words = f"#{pull.number} was {pull.state}"
            return refused("closed", words=words, number=pull.number, url=pull.url, node_id=pull.node_id)
    return None


def _done(attempt: Attempt, github: GitHub, pull: PullRequest, *, adopted: bool) -> Outcome:
    draft = bool(attempt.data.get("draft"))
    if draft and not pull.draft and pulls.DRAFT_LABEL not in pull.labels:
        pulls.add_label(github, pull.number, pulls.DRAFT_LABEL)
    asked = [] if draft else [str(login) for login in attempt.data.get("reviewers") or ()]
    not_asked = pulls.request_reviews(github, pull.number, asked)
    link = Record(
        keys.pull_link(attempt.issue.repository.id, pull.number), "link", {"pk": attempt.pk, "job": attempt.issue.build}
    )
    remote = {
        "number": pull.number,
        "node_id": pull.node_id,
        "url": pull.url,
        "draft": pull.draft,
        "labelled": draft and not pull.draft,
        "state": pull.state,
        "head": pull.head,
        "adopted": adopted,
        "reviewers": [] if not_asked else asked,
        "not_asked": not_asked,
    }
    return done(remote, Put(link, ANY))
