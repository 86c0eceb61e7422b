"""A new comment: it asks, or answers. Found again by its marker among the comments since the first claim."""

from __future__ import annotations

from typing import Any

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done
from shared.domain.messages import read_message
from shared.github import comments
from shared.github.comments import Comment
from shared.github.markers import bears
from shared.render.comments import render_comment


def perform(attempt: Attempt) -> Outcome:
    """data: a message (`shared/domain/messages.py`)."""
    number = attempt.issue.number
    posted = find(attempt, number) if attempt.again else None
    if posted is None:
        text = render_comment(read_message(attempt.data), attempt.view)
        posted = comments.create(
            attempt.github("comment"), number, signed(text, attempt.marker), last_line=attempt.marker
        )
    return done(remote_of(posted))


def find(attempt: Attempt, number: int) -> Comment | None:
    """Our comment of this effect, the oldest when GitHub itself made two."""
    out = attempt.outside
    since = comments.ours_since(attempt.github("comment"), number, out.app_id, attempt.look_from)
    found = [each for each in since if bears(out.marker_keys, attempt.effect.id, each.body)]
    return min(found, key=lambda each: each.id, default=None)


def signed(text: str, marker: str) -> str:
    """The text with the marker as its last line."""
    return f"{text.rstrip()}\n\n{marker}"


def remote_of(comment: Comment) -> dict[str, Any]:
    """What the outcome keeps of a comment. sha256 is of the body as GitHub returned it."""
    return {"id": comment.id, "node_id": comment.node_id, "url": comment.url, "sha256": comment.sha256}
