"""The few things that GitHub does by GraphQL alone: moving a ref with an expected value, drafts, hiding a comment.

Errors come with status 200; `type` says which (docs.github.com/graphql/guides/using-graphql-clients).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared import limits
from shared.github.answers import Forbidden, GraphqlRefusal, NotFound, RateLimited, Refusal, ServerTrouble
from shared.github.client import GitHub

_UPDATE_REFS = """
mutation($repository: ID!, $name: GitRefname!, $after: GitObjectID!, $before: GitObjectID, $force: Boolean) {
  updateRefs(input: {repositoryId: $repository,
                     refUpdates: [{name: $name, afterOid: $after, beforeOid: $before, force: $force}]}) {
    clientMutationId
  }
}
"""
_READY = """
mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id isDraft } } }
"""
_DRAFT = """
mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { id isDraft } } }
"""
_HIDE = """
mutation($id: ID!, $why: ReportedContentClassifiers!) {
  minimizeComment(input: {subjectId: $id, classifier: $why}) { minimizedComment { isMinimized } }
}
"""


def update_ref(github: GitHub, repository_node: str, branch: str, before: str, after: str) -> None:
    """Move `refs/heads/<branch>` from exactly `before` to `after`; `limits.ZERO_SHA` is "no such ref" on either side.

    Raises a Refusal when the ref stands elsewhere; the caller reads it to learn where.
    """
    _run(
        github,
        _UPDATE_REFS,
        {
            "repository": repository_node,
            "name": f"refs/heads/{branch}",
            "before": before,
            "after": after,
            "force": before != limits.ZERO_SHA,
        },
    )


def mark_ready(github: GitHub, node_id: str) -> None:
    _run(github, _READY, {"id": node_id})


def make_draft(github: GitHub, node_id: str) -> None:
    """Raises a Refusal where the plan has no drafts."""
    _run(github, _DRAFT, {"id": node_id})


def hide_comment(github: GitHub, node_id: str, why: str = "OUTDATED") -> None:
    """`why`: ABUSE, DUPLICATE, OFF_TOPIC, OUTDATED, RESOLVED or SPAM."""
    _run(github, _HIDE, {"id": node_id, "why": why})


def read(github: GitHub, query: str, variables: Mapping[str, Any]) -> Any:
    """The `data` of a query. Raises a Refusal, RateLimited, ServerTrouble, NoAnswer."""
    return _run(github, query, variables, write=False)


def _run(github: GitHub, query: str, variables: Mapping[str, Any], *, write: bool = True) -> Any:
    body = github.ask(query, variables, write=write)
    if not isinstance(body, dict):
        raise ServerTrouble(200, in_doubt=True)
    if body.get("errors"):
        error = _error_of(body["errors"])
        if isinstance(error, RateLimited):
            github.limited(error)
        raise error
    return body.get("data")


def _error_of(errors: list[dict[str, Any]]) -> Refusal | RateLimited:
    first = errors[0]
    kind, words = str(first.get("type", "")), str(first.get("message", "no words"))
    details = tuple(str(error.get("message", "")) for error in errors[1:])
    match kind:
        case "RATE_LIMITED":
            return RateLimited(f"GitHub asks to wait: {words}", limits.SECONDARY_LIMIT_WAIT_S, secondary=False)
        case "NOT_FOUND":
            return NotFound(words, details)
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return Forbidden(words, details)
        case _:
            return GraphqlRefusal(kind, words, details)
