"""Our comments on issues and pull requests: made, edited, hidden, found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.clip import clip
from shared.github.client import GitHub
from shared.limits import COMMENT_BODY_MAX


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as GitHub returned it; `body` may differ from what was sent (line ends)."""

    id: int
    node_id: str
    url: str
    body: str
    app_id: int | None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()


def create(github: GitHub, number: int, body: str, *, last_line: str = "") -> Comment:
    """A new comment. It notifies people, so it is complete when created. `last_line` survives clipping."""
    text = clip(body, COMMENT_BODY_MAX, last_line=last_line)
    path = github.path("issues", number, "comments")
    return _comment(github.post(path, {"body": text}, notifying=True, fresh=True).body)


def edit(github: GitHub, id: int, body: str, *, last_line: str = "") -> Comment:
    """Replace a comment's text. Raises NotFound when somebody deleted it."""
    text = clip(body, COMMENT_BODY_MAX, last_line=last_line)
    return _comment(github.patch(github.path("issues", "comments", id), {"body": text}).body)


def read(github: GitHub, id: int) -> Comment | None:
    found = github.find(github.path("issues", "comments", id))
    return None if found is None else _comment(found)


def ours_since(github: GitHub, number: int, app_id: int, since_ms: int) -> Iterator[Comment]:
    """Comments by our App under an issue that were touched since then (UTC ms). The list lags up to 10 s."""
    since = datetime.fromtimestamp(since_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for each in github.pages(github.path("issues", number, "comments"), {"since": since}):
        comment = _comment(each)
        if comment.app_id == app_id:
            yield comment


def _comment(found: Any) -> Comment:
    app = found.get("performed_via_github_app") or {}
    return Comment(
        id=found["id"],
        node_id=found["node_id"],
        url=found["html_url"],
        body=found["body"] or "",
        app_id=app.get("id"),
    )
