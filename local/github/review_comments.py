"""Comments on lines of a pull request, and their threads."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.diff import changed_files
from local.github.git import merge_base
from local.github.issue_state import Issue, Pull, Review, ReviewComment, Thread
from local.github.issues import check_body
from local.github.notify import tell
from local.github.pulls import find_pull, pull_shape
from local.github.reactions import rollup
from local.github.refusals import Refusal, invalid, not_found
from local.github.shapes import association, user_shape
from local.github.state import World, iso, node_id
from local.github.webhooks import emit


def review_comment_shape(world: World, issue: Issue, comment: ReviewComment) -> dict[str, Any]:
    api = f"{world.url}/repos/{issue.repository.full_name}/pulls"
    page = f"{world.url}/{issue.repository.full_name}/pull/{issue.number}#discussion_r{comment.id}"
    shape: dict[str, Any] = {
        "url": f"{api}/comments/{comment.id}",
        "pull_request_review_id": comment.review.id if comment.review else None,
        "id": comment.id,
        "node_id": comment.node_id,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "commit_id": comment.commit_id,
        "original_commit_id": comment.commit_id,
        "user": user_shape(world, comment.user),
        "body": comment.body,
        "created_at": iso(comment.created_at),
        "updated_at": iso(comment.updated_at),
        "html_url": page,
        "pull_request_url": f"{api}/{issue.number}",
        "author_association": association(issue.repository, comment.user),
        "_links": {
            "self": {"href": f"{api}/comments/{comment.id}"},
            "html": {"href": page},
            "pull_request": {"href": f"{api}/{issue.number}"},
        },
        "reactions": rollup(f"{api}/comments/{comment.id}/reactions", comment.reactions),
        "start_line": comment.start_line,
        "original_start_line": comment.start_line,
        "start_side": comment.side if comment.start_line else None,
        "line": comment.line,
        "original_line": comment.line,
        "side": comment.side,
        "position": comment.line,
        "original_position": comment.line,
        "subject_type": comment.subject_type,
    }
    if comment.in_reply_to is not None:
        shape["in_reply_to_id"] = comment.in_reply_to
    return shape


def announce_comment(call: Call, issue: Issue, comment: ReviewComment, action: str, **more: Any) -> None:
    payload = {
        "action": action,
        "comment": review_comment_shape(call.world, issue, comment),
        "pull_request": pull_shape(call.world, issue),
        **more,
    }
    emit(call.world, "pull_request_review_comment", issue.repository, call.account, payload)


def add_comment(
    call: Call, pull: Pull, review: Review | None, given: dict[str, Any], top: ReviewComment | None = None
) -> ReviewComment:
    """A comment of a review, a single one, or (with `top`) a reply in its thread. Raises 422 for a path not changed."""
    world = call.world
    body = str(given.get("body") or "")
    if not body.strip():
        raise invalid("PullRequestReviewComment", field="body", code="missing_field")
    check_body("PullRequestReviewComment", body)
    path = top.path if top else str(given.get("path") or "")
    repository = pull.issue.repository
    files = changed_files(repository.path, merge_base(repository.path, pull.base_sha, pull.head_sha), pull.head_sha)
    changed = next((one for one in files if one["filename"] == path), None)
    if top is None and changed is None:
        raise invalid("PullRequestReviewComment", field="path", code="invalid", message="Path could not be resolved")
    number, now = world.next_id("review_comment"), world.now()
    thread = top.thread if top else _new_thread(world, pull)
    line = given.get("line") or given.get("position")
    comment = ReviewComment(
        number,
        node_id("review_comment", number),
        pull,
        review,
        thread,
        call.account,
        body,
        path,
        top.commit_id if top else str(given.get("commit_id") or pull.head_sha),
        now,
        now,
        line=top.line if top else line,
        start_line=top.start_line if top else given.get("start_line"),
        side=top.side if top else str(given.get("side") or "RIGHT"),
        subject_type=top.subject_type if top else str(given.get("subject_type") or ("line" if line else "file")),
        diff_hunk=top.diff_hunk if top else "\n".join((changed or {}).get("patch", "").split("\n")[:12]),
        in_reply_to=top.id if top else None,
        via_app=call.via_app,
    )
    thread.comments.append(comment)
    world.nodes[comment.node_id] = comment
    return comment


def _new_thread(world: World, pull: Pull) -> Thread:
    number = world.next_id("thread")
    thread = Thread(number, node_id("thread", number), pull)
    pull.threads.append(thread)
    world.nodes[thread.node_id] = thread
    return thread


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/comments")
def list_review_comments(call: Call) -> Any:
    issue, pull = find_pull(call)
    found = [one for one in pull.review_comments if not call.lagging("review_comments", one.created_at)]
    return [review_comment_shape(call.world, issue, one) for one in call.page(found)]


def _one(call: Call, issue: Issue, comment: ReviewComment) -> Any:
    told = tell(call.world, issue, call.account, of="review_comment", text=comment.body, source=comment.id)
    call.note("review_comment", comment.id, issue.repository, notifying=True, notified=told, number=issue.number)
    announce_comment(call, issue, comment, "created")
    return 201, review_comment_shape(call.world, issue, comment)


@route("GET", "/repos/{owner}/{repo}/pulls/comments")
def list_repository_review_comments(call: Call) -> Any:
    """All of a repository, oldest first; `since` looks at the last change."""
    repository = call.repository("pull_requests:read")
    since = call.query.get("since")
    found = [
        (issue, comment)
        for issue in repository.issues.values()
        if issue.pull
        for comment in issue.pull.review_comments
        if not call.lagging("review_comments", comment.created_at)
        and (not since or (iso(comment.updated_at) or "") >= since)
    ]
    found.sort(key=lambda one: (one[1].updated_at if call.query.get("sort") == "updated" else 0, one[1].id))
    return [review_comment_shape(call.world, issue, comment) for issue, comment in call.page(found)]


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/comments")
def create_review_comment(call: Call) -> Any:
    """A single comment on a line, or a reply through `in_reply_to`."""
    issue, pull = find_pull(call, "write")
    top = None
    if (wanted := call.body.get("in_reply_to")) is not None:
        top = _top(pull, str(wanted))
    return _one(call, issue, add_comment(call, pull, None, call.body, top))


def _top(pull: Pull, wanted: str) -> ReviewComment:
    comment = next((one for one in pull.review_comments if str(one.id) == wanted), None)
    if comment is None:
        raise not_found()
    if comment.in_reply_to is not None:
        raise Refusal(422, "Validation Failed", errors=["in_reply_to is not the top comment of its thread"])
    return comment


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/comments/{id}/replies")
def reply(call: Call) -> Any:
    """Replies hang on the top comment of a thread only."""
    issue, pull = find_pull(call, "write")
    return _one(call, issue, add_comment(call, pull, None, call.body, _top(pull, call.args["id"])))


def find_review_comment(call: Call, level: str = "read") -> ReviewComment:
    """The review comment of `/pulls/comments/{id}`. Raises 404, 403."""
    repository = call.repository(f"pull_requests:{level}")
    for issue in repository.issues.values():
        for comment in issue.pull.review_comments if issue.pull else []:
            if str(comment.id) == call.args["id"]:
                return comment
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/pulls/comments/{id}")
def get_review_comment(call: Call) -> Any:
    comment = find_review_comment(call)
    return review_comment_shape(call.world, comment.pull.issue, comment)


@route("PATCH", "/repos/{owner}/{repo}/pulls/comments/{id}")
def change_review_comment(call: Call) -> Any:
    comment = find_review_comment(call, "write")
    issue = comment.pull.issue
    if comment.user is not call.account and not access.holds_role(issue.repository, call.account, "write"):
        raise Refusal(403, "Must have admin rights to Repository.")
    body = call.text("body", required=True) or ""
    check_body("PullRequestReviewComment", body)
    before, comment.body, comment.updated_at = comment.body, body, call.world.now()
    call.note("review_comment", comment.id, issue.repository, what="edited")
    announce_comment(call, issue, comment, "edited", changes={"body": {"from": before}})
    return review_comment_shape(call.world, issue, comment)
