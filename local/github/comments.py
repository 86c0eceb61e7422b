"""Comments on issues and pull requests."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.issue_state import Comment, Edit, Issue
from local.github.issues import BODY_MAX, find_issue, issue_shape, need_of
from local.github.notify import tell
from local.github.reactions import rollup
from local.github.refusals import Refusal, invalid, not_found
from local.github.shapes import association, maybe_app, user_shape
from local.github.state import Repository, World, iso, node_id
from local.github.webhooks import emit


def comment_shape(world: World, comment: Comment) -> dict[str, Any]:
    repository = comment.repository
    api = f"{world.url}/repos/{repository.full_name}/issues"
    kind = "pull" if comment.issue.pull else "issues"
    return {
        "url": f"{api}/comments/{comment.id}",
        "html_url": f"{world.url}/{repository.full_name}/{kind}/{comment.issue.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/{comment.issue.number}",
        "id": comment.id,
        "node_id": comment.node_id,
        "user": user_shape(world, comment.user),
        "created_at": iso(comment.created_at),
        "updated_at": iso(comment.updated_at),
        "body": comment.body,
        "author_association": association(repository, comment.user),
        "reactions": rollup(f"{api}/comments/{comment.id}/reactions", comment.reactions),
        "performed_via_github_app": maybe_app(world, comment.via_app),
    }


def _announce(call: Call, comment: Comment, action: str, **more: Any) -> None:
    world = call.world
    payload = {
        "action": action,
        **more,
        "issue": issue_shape(world, comment.issue),
        "comment": comment_shape(world, comment),
    }
    named = (("comment", comment.id), ("issue", comment.issue.id))
    emit(world, "issue_comment", comment.repository, call.account, payload, named=named)


def _body(call: Call) -> str:
    body = call.text("body", required=True) or ""
    if not body.strip():
        raise invalid("IssueComment", field="body", code="missing_field")
    if len(body) > BODY_MAX:
        message = f"Body is too long (maximum is {BODY_MAX} characters)"
        raise invalid("IssueComment", field="data", code="unprocessable", message=message)
    return body


def _refuse_locked(call: Call, issue: Issue) -> None:
    if not issue.locked:
        return
    repository = issue.repository
    if call.via_app is not None:
        allowed = repository.apps_may_comment_locked
    else:
        allowed = access.holds_role(repository, call.account, "write")
    if not allowed:
        raise Refusal(403, "Unable to create comment because issue is locked.")


@route("POST", "/repos/{owner}/{repo}/issues/{number}/comments")
def create_comment(call: Call) -> Any:
    issue = find_issue(call, "write")
    body = _body(call)
    _refuse_locked(call, issue)
    world = call.world
    number = world.next_id("comment")
    now = world.now()
    comment = Comment(
        number, node_id("comment", number), issue.repository, issue, call.account, body, now, now, call.via_app
    )
    issue.comments.append(comment)
    issue.updated_at = now
    issue.repository.comments[number] = comment
    world.nodes[comment.node_id] = comment
    told = tell(world, issue, call.account, of="comment", text=body, source=comment.id)
    call.note(
        "comment", comment.id, issue.repository, notifying=True, notified=told, number=issue.number, what="created"
    )
    _announce(call, comment, "created")
    return 201, comment_shape(world, comment)


def find_comment(call: Call, level: str = "read") -> Comment:
    """The issue comment of the path. Raises 404 and 403."""
    repository: Repository = call.repository()
    key = call.args["id"]
    comment = repository.comments.get(int(key)) if key.isdigit() else None
    if comment is None:
        raise not_found()
    access.authorize(call.actor, repository, need_of(comment.issue, level))
    if call.flickers("comment", comment.id):
        raise not_found()
    return comment


@route("GET", "/repos/{owner}/{repo}/issues/comments/{id}")
def get_comment(call: Call) -> Any:
    return comment_shape(call.world, find_comment(call))


def _may_change(call: Call, comment: Comment) -> None:
    """People with write may edit anybody's comment; everyone may edit their own; an App any, with `issues: write`."""
    if call.account is comment.user or call.via_app is not None:
        return
    if not access.holds_role(comment.repository, call.account, "write"):
        raise Refusal(403, "Must have admin rights to Repository.")


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{id}")
def change_comment(call: Call) -> Any:
    """Edit. It tells nobody; the event carries the body before."""
    comment = find_comment(call, "write")
    _may_change(call, comment)
    body = _body(call)
    before, comment.body = comment.body, body
    comment.updated_at = call.world.now()
    call.note("comment", comment.id, comment.repository, number=comment.issue.number, what="edited")
    if before != body:
        comment.edits.append(Edit(call.account, comment.updated_at, body))
        _announce(call, comment, "edited", changes={"body": {"from": before}})
    return comment_shape(call.world, comment)


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{id}")
def delete_comment(call: Call) -> Any:
    comment = find_comment(call, "write")
    _may_change(call, comment)
    comment.issue.comments.remove(comment)
    del comment.repository.comments[comment.id]
    del call.world.nodes[comment.node_id]
    call.note("comment", comment.id, comment.repository, number=comment.issue.number, what="deleted")
    _announce(call, comment, "deleted")
    return 204, None


def _shown(call: Call, comments: list[Comment]) -> list[Comment]:
    since = call.query.get("since")
    return [
        comment
        for comment in comments
        if not call.lagging("comments", comment.created_at) and (not since or (iso(comment.updated_at) or "") >= since)
    ]


@route("GET", "/repos/{owner}/{repo}/issues/{number}/comments")
def list_issue_comments(call: Call) -> Any:
    """Oldest first; `since` looks at the last change."""
    issue = find_issue(call)
    return [comment_shape(call.world, comment) for comment in call.page(_shown(call, issue.comments))]


@route("GET", "/repos/{owner}/{repo}/issues/comments")
def list_repository_comments(call: Call) -> Any:
    """All comments of a repository; `sort` created or updated, `direction` (asc unless told)."""
    repository = call.repository("issues:read|pull_requests:read")
    found = _shown(call, list(repository.comments.values()))
    if call.query.get("sort") == "updated":
        found.sort(key=lambda comment: (comment.updated_at, comment.id))
    else:
        found.sort(key=lambda comment: comment.id)
    if call.query.get("sort") and call.query.get("direction", "asc") == "desc":
        found.reverse()
    return [comment_shape(call.world, comment) for comment in call.page(found)]
