"""Pull requests of ours. docs.github.com/rest/pulls/pulls"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.domain.clip import clip, clip_line
from shared.github.answers import Refusal, Unprocessable
from shared.github.client import GitHub
from shared.limits import COMMENT_BODY_MAX

TITLE_MAX = 256
DRAFT_LABEL = "persevere: draft"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """`author` is the login of who opened it; an App's ends in `[bot]`."""

    number: int
    node_id: str
    url: str
    title: str
    body: str
    draft: bool
    state: Literal["open", "closed", "merged"]
    head: str
    author: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


class DraftsUnsupported(Unprocessable):
    """The plan of a private repository has no draft pull requests."""


class NoCommits(Unprocessable):
    """Head and base do not differ."""


class AlreadyThere(Unprocessable):
    """An open pull request of this head exists."""


def open_pull(github: GitHub, *, branch: str, base: str, title: str, body: str, draft: bool) -> PullRequest:
    """Raises DraftsUnsupported, NoCommits, AlreadyThere, and what `GitHub.post` raises."""
    wish = {
        "head": branch,
        "base": base,
        "title": clip_line(title, TITLE_MAX),
        "body": clip(body, COMMENT_BODY_MAX),
        "draft": draft,
        "maintainer_can_modify": True,
    }
    try:
        return _pull(github.post(github.path("pulls"), wish, notifying=True).body)
    except Unprocessable as refusal:
        for kind, words in (
            (AlreadyThere, "already exists"),
            (NoCommits, "no commits between"),
            (DraftsUnsupported, "draft pull requests are not supported"),
        ):
            if refusal.says(words):
                raise kind(refusal.words, refusal.details) from refusal
        raise


def by_branch(github: GitHub, branch: str) -> list[PullRequest]:
    """All pull requests of a branch of this repository, whatever their state; newest first."""
    head = f"{github.repository.owner}:{branch}"
    found = github.pages(github.path("pulls"), {"head": head, "state": "all", "sort": "created", "direction": "desc"})
    # The filter is ignored for a head that GitHub cannot resolve, so what comes back is looked at again.
    return [_pull(each) for each in found if each["head"]["ref"] == branch]


def read(github: GitHub, number: int) -> PullRequest | None:
    found = github.find(github.path("pulls", number))
    return None if found is None else _pull(found)


def edit(github: GitHub, number: int, *, title: str, body: str) -> PullRequest:
    wish = {"title": clip_line(title, TITLE_MAX), "body": clip(body, COMMENT_BODY_MAX)}
    return _pull(github.patch(github.path("pulls", number), wish).body)


def request_reviews(github: GitHub, number: int, logins: Sequence[str]) -> str:
    """Ask people for a review; "" or GitHub's words when it refuses (an author, somebody without access)."""
    if not logins:
        return ""
    try:
        github.post(github.path("pulls", number, "requested_reviewers"), {"reviewers": list(logins)}, notifying=True)
    except Refusal as refusal:
        return refusal.words
    return ""


def add_label(github: GitHub, number: int, label: str) -> None:
    """GitHub makes the label when there is none of that name."""
    github.post(github.path("issues", number, "labels"), {"labels": [label]})


def remove_label(github: GitHub, number: int, label: str) -> None:
    github.delete(github.path("issues", number, "labels", label))


def _pull(found: Any) -> PullRequest:
    state: Literal["open", "closed", "merged"] = "closed" if found["state"] == "closed" else "open"
    if found.get("merged") or found.get("merged_at"):
        state = "merged"
    return PullRequest(
        number=found["number"],
        node_id=found["node_id"],
        url=found["html_url"],
        title=found["title"],
        body=found["body"] or "",
        draft=bool(found.get("draft")),
        state=state,
        head=found["head"]["sha"],
        author=found["user"]["login"] if found["user"] else "ghost",
        labels=tuple(str(label["name"]) for label in found.get("labels", ())),
        reviewers=tuple(str(user["login"]) for user in found.get("requested_reviewers") or ()),
    )
