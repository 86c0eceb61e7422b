"""Reviews of pull requests."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.issue_state import Issue, Pull, Review
from local.github.issues import check_body
from local.github.notify import tell
from local.github.pulls import find_pull, pull_shape
from local.github.refusals import Refusal, not_found, unprocessable
from local.github.review_comments import add_comment, announce_comment
from local.github.shapes import association, maybe_app, user_shape
from local.github.state import World, iso, node_id
from local.github.webhooks import emit

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def review_shape(world: World, issue: Issue, review: Review) -> dict[str, Any]:
    page = f"{world.url}/{issue.repository.full_name}/pull/{issue.number}"
    api = f"{world.url}/repos/{issue.repository.full_name}/pulls/{issue.number}"
    shape: dict[str, Any] = {
        "id": review.id,
        "node_id": review.node_id,
        "user": user_shape(world, review.user),
        "body": review.body,
        "state": review.state,
        "html_url": f"{page}#pullrequestreview-{review.id}",
        "pull_request_url": api,
        "author_association": association(issue.repository, review.user),
        "_links": {"html": {"href": f"{page}#pullrequestreview-{review.id}"}, "pull_request": {"href": api}},
        "commit_id": review.commit_id,
    }
    if review.via_app is not None:
        shape["performed_via_github_app"] = maybe_app(world, review.via_app)
    if review.submitted_at is not None:
        shape["submitted_at"] = iso(review.submitted_at)
    return shape


def _announce(call: Call, issue: Issue, review: Review, action: str) -> None:
    world = call.world
    shape = review_shape(world, issue, review)
    # Webhooks spell the state in small letters and may leave the body out.
    shape |= {"state": review.state.lower(), "body": review.body or None}
    payload = {"action": action, "review": shape, "pull_request": pull_shape(world, issue)}
    emit(world, "pull_request_review", issue.repository, call.account, payload, named=(("issue", issue.id),))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews")
def list_reviews(call: Call) -> Any:
    issue, pull = find_pull(call)
    return [review_shape(call.world, issue, review) for review in call.page(pull.reviews)]


def _find(call: Call, level: str = "read") -> tuple[Issue, Pull, Review]:
    issue, pull = find_pull(call, level)
    for review in pull.reviews:
        if str(review.id) == call.args["review"]:
            return issue, pull, review
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review}")
def get_review(call: Call) -> Any:
    issue, _, review = _find(call)
    return review_shape(call.world, issue, review)


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews")
def create_review(call: Call) -> Any:
    """A review with its inline comments in one call; without `event` it stays pending."""
    issue, pull = find_pull(call, "write")
    event = call.text("event")
    body = call.text("body") or ""
    check_body("PullRequestReview", body)
    if event is not None and event not in _STATES:
        raise unprocessable(f"Unprocessable Entity: event must be one of {', '.join(_STATES)}")
    if event in ("APPROVE", "REQUEST_CHANGES") and call.account is issue.user:
        what = "approve" if event == "APPROVE" else "request changes on"
        raise Refusal(422, "Unprocessable Entity", errors=[f"Can not {what} your own pull request"])
    comments = call.body.get("comments") or []
    if (event == "REQUEST_CHANGES" and not body) or (event == "COMMENT" and not body and not comments):
        raise Refusal(422, "Unprocessable Entity", errors=["Body can't be blank"])
    if event is None and not isinstance(call.actor, access.Person | access.AppHere):
        raise not_found()
    world = call.world
    number = world.next_id("review")
    review = Review(
        number,
        node_id("review", number),
        call.account,
        body,
        _STATES[event] if event else "PENDING",
        call.text("commit_id") or pull.head_sha,
        world.now() if event else None,
        call.via_app,
    )
    made = [add_comment(call, pull, review, one) for one in comments]
    pull.reviews.append(review)
    world.nodes[review.node_id] = review
    if event:
        _submit(call, issue, pull, review)
    else:
        call.note("review", review.id, issue.repository, what="pending")
    for comment in made:
        announce_comment(call, issue, comment, "created")
    return review_shape(world, issue, review)


def _submit(call: Call, issue: Issue, pull: Pull, review: Review) -> None:
    if call.account in pull.requested_reviewers:
        pull.requested_reviewers.remove(call.account)
    issue.updated_at = call.world.now()
    told = tell(call.world, issue, call.account, of="review", text=review.body, source=review.id)
    call.note(
        "review", review.id, issue.repository, notifying=True, notified=told, what=review.state, number=issue.number
    )
    _announce(call, issue, review, "submitted")


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review}/events")
def submit_review(call: Call) -> Any:
    issue, pull, review = _find(call, "write")
    event = call.text("event")
    if event not in _STATES or review.state != "PENDING":
        raise unprocessable("Can not submit this review")
    review.state, review.submitted_at = _STATES[event], call.world.now()
    review.body = call.text("body") or review.body
    _submit(call, issue, pull, review)
    return review_shape(call.world, issue, review)


@route("PUT", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review}/dismissals")
def dismiss_review(call: Call) -> Any:
    issue, _, review = _find(call, "write")
    review.state = "DISMISSED"
    call.note("review", review.id, issue.repository, what="dismissed")
    _announce(call, issue, review, "dismissed")
    return review_shape(call.world, issue, review)


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review}/comments")
def list_comments_of_review(call: Call) -> Any:
    from local.github.review_comments import review_comment_shape

    issue, pull, review = _find(call)
    found = [one for one in pull.review_comments if one.review is review]
    return [review_comment_shape(call.world, issue, one) for one in call.page(found)]
