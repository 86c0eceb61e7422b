"""Issues: open, read, change, list, lock."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.issue_state import Happened, Issue, Label
from local.github.labels import find_or_make, label_shape
from local.github.notify import tell
from local.github.reactions import rollup
from local.github.refusals import Refusal, invalid, not_found, unprocessable
from local.github.shapes import association, maybe_app, maybe_user, user_shape
from local.github.state import Account, App, Repository, World, iso, node_id
from local.github.webhooks import emit

BODY_MAX = 65_536
TITLE_MAX = 256


def issue_shape(world: World, issue: Issue) -> dict[str, Any]:
    """An issue, as REST and webhooks have it; `pull_request` is there when it is one."""
    repository = issue.repository
    api = f"{world.url}/repos/{repository.full_name}/issues/{issue.number}"
    kind = "pull" if issue.pull else "issues"
    shape: dict[str, Any] = {
        "url": api,
        "repository_url": f"{world.url}/repos/{repository.full_name}",
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": f"{world.url}/{repository.full_name}/{kind}/{issue.number}",
        "id": issue.id,
        "node_id": issue.pull.node_id if issue.pull else issue.node_id,
        "number": issue.number,
        "title": issue.title,
        "user": user_shape(world, issue.user),
        "labels": [label_shape(world, repository, label) for label in issue.labels],
        "state": issue.state,
        "locked": issue.locked,
        "assignee": user_shape(world, issue.assignees[0]) if issue.assignees else None,
        "assignees": [user_shape(world, account) for account in issue.assignees],
        "milestone": None,
        "comments": len(issue.comments),
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso(issue.closed_at),
        "author_association": association(repository, issue.user),
        "active_lock_reason": issue.lock_reason if issue.locked else None,
        "body": issue.body,
        "closed_by": maybe_user(world, issue.closed_by),
        "reactions": rollup(f"{api}/reactions", issue.reactions),
        "timeline_url": f"{api}/timeline",
        "performed_via_github_app": maybe_app(world, issue.via_app),
        "state_reason": issue.state_reason,
    }
    if issue.pull:
        page = f"{world.url}/{repository.full_name}/pull/{issue.number}"
        shape["draft"] = issue.pull.draft
        shape["pull_request"] = {
            "url": f"{world.url}/repos/{repository.full_name}/pulls/{issue.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": iso(issue.pull.merged_at),
        }
    else:
        shape["sub_issues_summary"] = {"total": 0, "completed": 0, "percent_completed": 0}
        shape["issue_dependencies_summary"] = {
            "blocked_by": 0,
            "total_blocked_by": 0,
            "blocking": 0,
            "total_blocking": 0,
        }
        shape["type"] = None
    return shape


def need_of(issue: Issue, level: str) -> str:
    """The permission for an issue endpoint: either one will do when the issue is a pull request."""
    return f"issues:{level}|pull_requests:{level}" if issue.pull else f"issues:{level}"


def find_issue(call: Call, level: str = "read", role: str = "read") -> Issue:
    """The issue or pull request of the path, if the caller may do this to it. Raises 404, 403, 410."""
    repository = call.repository()
    found = repository.issues.get(_number(call.args["number"]))
    if found is None:
        raise not_found()
    access.authorize(call.actor, repository, need_of(found, level), role)
    if call.flickers("issue", found.id):
        raise not_found()
    if not found.pull and not repository.has_issues:
        raise Refusal(410, "Issues has been disabled in this repository.")
    return found


def _number(text: str) -> int:
    if not text.isdigit():
        raise not_found()
    return int(text)


def check_body(resource: str, body: str | None) -> None:
    """GitHub counts characters here, and says so."""
    if body is not None and len(body) > BODY_MAX:
        raise invalid(resource, field="body", message=f"body is too long (maximum is {BODY_MAX} characters)")


def check_title(resource: str, title: str | None) -> None:
    if title is None or not title.strip():
        raise invalid(resource, field="title", code="missing_field")
    if len(title) > TITLE_MAX:
        raise invalid(resource, field="title", message=f"title is too long (maximum is {TITLE_MAX} characters)")


def make_issue(
    world: World, repository: Repository, user: Account, title: str, body: str | None, *, via_app: App | None
) -> Issue:
    """A new issue with the next number of its repository, kept but not announced."""
    kept_id = world.next_id("issue")
    number = max(repository.issues, default=0) + 1
    now = world.now()
    issue = Issue(kept_id, node_id("issue", kept_id), repository, number, title, body, user, now, now, via_app)
    if user.type == "User":
        issue.subscribers[user.login.lower()] = "author"
    repository.issues[number] = issue
    world.nodes[issue.node_id] = issue
    return issue


_SPOKEN = {
    "closed": "closed this", "reopened": "reopened this", "locked": "locked this", "unlocked": "unlocked this",
    "ready_for_review": "marked this as ready for review", "converted_to_draft": "marked this as a draft",
    "synchronize": "pushed to the branch",
}  # fmt: skip


# What a webhook's action is called in the list of issue events.
_EVENTS = {
    "closed": "closed", "reopened": "reopened", "locked": "locked", "unlocked": "unlocked", "labeled": "labeled",
    "unlabeled": "unlabeled", "ready_for_review": "ready_for_review", "converted_to_draft": "convert_to_draft",
    "review_requested": "review_requested",
}  # fmt: skip


def keep_event(world: World, issue: Issue, action: str, actor: Account, more: dict[str, Any]) -> None:
    """Put it into the repository's list of issue events; a merge is two of them."""
    names = [_EVENTS[action]] if action in _EVENTS else []
    if action == "edited" and "title" in more.get("changes", {}):
        names = ["renamed"]
    if action == "closed" and issue.pull and issue.pull.merged_at:
        names = ["merged", "closed"]
    app = next((one for one in world.apps.values() if one.bot is actor), None)
    label = issue.repository.labels.get(str((more.get("label") or {}).get("name", "")).lower())
    for name in names:
        issue.repository.happened.append(
            Happened(world.next_id("event"), issue, name, actor, world.now(), app, label if "label" in name else None)
        )


def remember(world: World, issue: Issue, action: str, actor: Account, more: dict[str, Any]) -> None:
    """Keep what the page shows between the comments, and what the list of events says."""
    keep_event(world, issue, action, actor, more)
    text = _SPOKEN.get(action)
    if action in ("labeled", "unlabeled"):
        text = f"{'added' if action == 'labeled' else 'removed'} the label {more['label']['name']}"
    elif action == "review_requested":
        text = f"asked {more['requested_reviewer']['login']} for a review"
    elif action == "closed" and issue.pull and issue.pull.merged_at:
        text = "merged this"
    elif action == "edited" and "title" in more.get("changes", {}):
        text = f"changed the title from {more['changes']['title']['from']}"
    if text:
        issue.events.append({"at": world.now(), "actor": actor, "text": text})


def announce(call: Call, issue: Issue, action: str, **more: Any) -> None:
    """Send `issues` (or `pull_request`) with this action, the object as it is now."""
    world = call.world
    if issue.pull:
        from local.github.pulls import announce_pull

        announce_pull(world, issue, action, call.account, **more)
        return
    remember(world, issue, action, call.account, more)
    payload = {"action": action, "issue": issue_shape(world, issue), **more}
    emit(world, "issues", issue.repository, call.account, payload, named=(("issue", issue.id),))


@route("POST", "/repos/{owner}/{repo}/issues")
def create_issue(call: Call) -> Any:
    """Open an issue. Labels and assignees need triage; others' are dropped in silence, as GitHub does."""
    repository = call.repository("issues:write")
    if not repository.has_issues:
        raise Refusal(410, "Issues has been disabled in this repository.")
    title, body = call.text("title"), call.text("body")
    check_title("Issue", title)
    check_body("Issue", body)
    assert title is not None
    issue = make_issue(call.world, repository, call.account, title, body, via_app=call.via_app)
    trusted = call.via_app is not None or access.holds_role(repository, call.account, "triage")
    if trusted:
        issue.labels = [find_or_make(call.world, repository, name) for name in call.body.get("labels") or []]
        issue.assignees = _accounts(call, repository, call.body.get("assignees") or [])
    also = [(account.login, "assign") for account in issue.assignees]
    told = tell(call.world, issue, call.account, of="issue", text=f"{title}\n{body or ''}", also=also)
    call.note("issue", issue.number, repository, notifying=True, notified=told, what="opened")
    announce(call, issue, "opened")
    for label in issue.labels:
        announce(call, issue, "labeled", label=label_shape(call.world, repository, label))
    return 201, issue_shape(call.world, issue)


def _accounts(call: Call, repository: Repository, logins: list[str]) -> list[Account]:
    found = []
    for login in logins:
        account = call.world.account(str(login))
        if account is not None and access.holds_role(repository, account, "read"):
            found.append(account)
    return found


@route("GET", "/repos/{owner}/{repo}/issues/{number}")
def get_issue(call: Call) -> Any:
    return issue_shape(call.world, find_issue(call))


@route("GET", "/repos/{owner}/{repo}/issues")
def list_issues(call: Call) -> Any:
    """Issues and pull requests by state, labels, creator, assignee, since; newest first unless told."""
    repository = call.repository("issues:read")
    state = call.query.get("state", "open")
    wanted = {name.lower() for name in (call.query.get("labels") or "").split(",") if name}
    since = call.query.get("since")
    creator = (call.query.get("creator") or "").lower()
    found = []
    for issue in repository.issues.values():
        if state != "all" and issue.state != state:
            continue
        if not wanted <= {label.name.lower() for label in issue.labels}:
            continue
        if since and (iso(issue.updated_at) or "") < since:
            continue
        if creator and issue.user.login.lower() != creator:
            continue
        if call.lagging("issues", issue.created_at):
            continue
        found.append(issue)
    keys = {"updated": lambda i: (i.updated_at, i.number), "comments": lambda i: (len(i.comments), i.number)}
    key = keys.get(call.query.get("sort", "created"), lambda i: (i.created_at, i.number))
    found.sort(key=key, reverse=call.query.get("direction", "desc") != "asc")
    return [issue_shape(call.world, issue) for issue in call.page(found)]


@route("PATCH", "/repos/{owner}/{repo}/issues/{number}")
def change_issue(call: Call) -> Any:
    """Change title, body, state, labels, assignees; each change has its own event."""
    issue = find_issue(call, "write")
    if call.via_app is None and call.account is not issue.user:
        access.authorize(call.actor, issue.repository, need_of(issue, "write"), "triage")
    apply_change(call, issue)
    call.note("pull_request" if issue.pull else "issue", issue.number, issue.repository, what="changed")
    return issue_shape(call.world, issue)


def apply_change(call: Call, issue: Issue) -> None:
    """Title, body, state, labels and assignees of a PATCH, for issues and pull requests alike."""
    body = call.body
    resource = "PullRequest" if issue.pull else "Issue"
    changes: dict[str, Any] = {}
    if "title" in body and body["title"] != issue.title:
        check_title(resource, call.text("title"))
        changes["title"] = {"from": issue.title}
    if "body" in body and (call.text("body") or "") != (issue.body or ""):
        check_body(resource, call.text("body"))
        changes["body"] = {"from": issue.body or ""}
    if "title" in changes:
        issue.title = body["title"]
    if "body" in changes:
        issue.body = body["body"]
    state = call.text("state")
    if state is not None and state not in ("open", "closed"):
        raise invalid(resource, field="state", code="invalid")
    issue.updated_at = call.world.now()
    if changes:
        announce(call, issue, "edited", changes=changes)
    if state is not None and state != issue.state:
        set_state(call, issue, state, call.text("state_reason"))
    if "labels" in body:
        wanted = [find_or_make(call.world, issue.repository, _name(one)) for one in body["labels"] or []]
        set_labels(call, issue, wanted)
    if "assignees" in body:
        issue.assignees = _accounts(call, issue.repository, body["assignees"] or [])


def _name(label: Any) -> str:
    return str(label.get("name")) if isinstance(label, dict) else str(label)


def set_state(call: Call, issue: Issue, state: str, reason: str | None = None) -> None:
    """Close or reopen, and tell the people who follow."""
    if issue.pull and issue.pull.merged_at and state == "open":
        raise invalid("PullRequest", field="state", message="state cannot be changed. The pull request was merged.")
    issue.state = state
    closed = state == "closed"
    issue.closed_at = call.world.now() if closed else None
    issue.closed_by = call.account if closed else None
    if not issue.pull:
        issue.state_reason = (reason or "completed") if closed else "reopened"
    told = tell(call.world, issue, call.account, of="state")
    call.note("state", issue.number, issue.repository, notifying=True, notified=told, what=state)
    announce(call, issue, "closed" if closed else "reopened")


def set_labels(call: Call, issue: Issue, wanted: list[Label]) -> None:
    """Make the labels these; one event for each that comes or goes."""
    before = list(issue.labels)
    issue.labels = list(dict.fromkeys(wanted))
    for label in issue.labels:
        if label not in before:
            announce(call, issue, "labeled", label=label_shape(call.world, issue.repository, label))
    for label in before:
        if label not in issue.labels:
            announce(call, issue, "unlabeled", label=label_shape(call.world, issue.repository, label))


@route("PUT", "/repos/{owner}/{repo}/issues/{number}/lock")
def lock_issue(call: Call) -> Any:
    issue = find_issue(call, "write", "triage")
    reason = call.text("lock_reason")
    if reason not in (None, "off-topic", "too heated", "resolved", "spam"):
        raise unprocessable("Invalid lock reason")
    issue.locked, issue.lock_reason = True, reason
    call.note("issue", issue.number, issue.repository, what="locked")
    announce(call, issue, "locked")
    return 204, None


@route("DELETE", "/repos/{owner}/{repo}/issues/{number}/lock")
def unlock_issue(call: Call) -> Any:
    issue = find_issue(call, "write", "triage")
    issue.locked, issue.lock_reason = False, None
    call.note("issue", issue.number, issue.repository, what="unlocked")
    announce(call, issue, "unlocked")
    return 204, None
