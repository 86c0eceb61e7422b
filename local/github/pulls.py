"""Pull requests between branches of one repository."""

from typing import Any

from local.github import access, git
from local.github.call import Call, route
from local.github.commits import commit_shape
from local.github.diff import changed_files, file_shape
from local.github.issue_state import Issue, Pull
from local.github.issues import apply_change, check_body, check_title, make_issue, remember
from local.github.labels import label_shape
from local.github.notify import tell
from local.github.refusals import invalid, not_found, unprocessable
from local.github.shapes import association, maybe_user, repository_shape, user_shape
from local.github.state import Account, Repository, World, iso, node_id
from local.github.webhooks import emit


def pull_shape(world: World, issue: Issue, *, full: bool = False) -> dict[str, Any]:
    """A pull request; `full` adds what only the single object and webhooks have (counts, mergeable)."""
    pull, repository = issue.pull, issue.repository
    assert pull is not None
    api = f"{world.url}/repos/{repository.full_name}/pulls/{issue.number}"
    issue_api = f"{world.url}/repos/{repository.full_name}/issues/{issue.number}"
    page = f"{world.url}/{repository.full_name}/pull/{issue.number}"
    statuses = f"{world.url}/repos/{repository.full_name}/statuses/{pull.head_sha}"
    shape: dict[str, Any] = {
        "url": api,
        "id": pull.id,
        "node_id": pull.node_id,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_api,
        "number": issue.number,
        "state": issue.state,
        "locked": issue.locked,
        "title": issue.title,
        "user": user_shape(world, issue.user),
        "body": issue.body,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso(issue.closed_at),
        "merged_at": iso(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": user_shape(world, issue.assignees[0]) if issue.assignees else None,
        "assignees": [user_shape(world, one) for one in issue.assignees],
        "requested_reviewers": [user_shape(world, one) for one in pull.requested_reviewers],
        "requested_teams": [],
        "labels": [label_shape(world, repository, label) for label in issue.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{world.url}/repos/{repository.full_name}/pulls/comments{{/number}}",
        "comments_url": f"{issue_api}/comments",
        "statuses_url": statuses,
        "head": _end(world, repository, pull.head_ref, pull.head_sha),
        "base": _end(world, repository, pull.base_ref, pull.base_sha),
        "_links": {
            name: {"href": href}
            for name, href in (
                ("self", api), ("html", page), ("issue", issue_api), ("comments", f"{issue_api}/comments"),
                ("review_comments", f"{api}/comments"), ("commits", f"{api}/commits"), ("statuses", statuses),
                ("review_comment", f"{world.url}/repos/{repository.full_name}/pulls/comments{{/number}}"),
            )
        },
        "author_association": association(repository, issue.user),
        "auto_merge": None,
        "active_lock_reason": issue.lock_reason if issue.locked else None,
    }  # fmt: skip
    if full:
        shape |= _numbers(world, issue, pull)
    return shape


def _end(world: World, repository: Repository, ref: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{repository.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user_shape(world, repository.owner),
        "repo": repository_shape(world, repository),
    }


def _numbers(world: World, issue: Issue, pull: Pull) -> dict[str, Any]:
    path = issue.repository.path
    base = git.merge_base(path, pull.base_sha, pull.head_sha)
    files = changed_files(path, base, pull.head_sha) if base else []
    mergeable = None if issue.state == "closed" else merged_tree(issue) is not None
    return {
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": "draft" if pull.draft else ("clean" if mergeable else "dirty"),
        "merged_by": maybe_user(world, pull.merged_by),
        "comments": len(issue.comments),
        "review_comments": len(pull.review_comments),
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": len(git.commits_between(path, pull.base_sha, pull.head_sha)),
        "additions": sum(one["additions"] for one in files),
        "deletions": sum(one["deletions"] for one in files),
        "changed_files": len(files),
    }


def merged_tree(issue: Issue) -> str | None:
    """The tree of a merge into the base branch as it is now; None when there are conflicts."""
    assert issue.pull is not None
    path = issue.repository.path
    base = git.ref_sha(path, f"refs/heads/{issue.pull.base_ref}")
    if base is None:
        return None
    found = git.ask(path, "merge-tree", "--write-tree", base, issue.pull.head_sha)
    return found.splitlines()[0] if found else None


def announce_pull(world: World, issue: Issue, action: str, sender: Account, **more: Any) -> None:
    """Send `pull_request` with this action."""
    remember(world, issue, action, sender, more)
    payload = {"action": action, "number": issue.number, "pull_request": pull_shape(world, issue, full=True), **more}
    emit(world, "pull_request", issue.repository, sender, payload, named=(("issue", issue.id),))


def find_pull(call: Call, level: str = "read", role: str = "read") -> tuple[Issue, Pull]:
    """The pull request of the path, if the caller may do this to it. Raises 404, 403."""
    repository = call.repository(f"pull_requests:{level}", role)
    key = call.args["number"]
    issue = repository.issues.get(int(key)) if key.isdigit() else None
    if issue is None or issue.pull is None or call.flickers("issue", issue.id):
        raise not_found()
    return issue, issue.pull


@route("POST", "/repos/{owner}/{repo}/pulls")
def create_pull(call: Call) -> Any:
    repository = call.repository("pull_requests:write")
    world = call.world
    title, body = call.text("title"), call.text("body")
    check_title("PullRequest", title)
    check_body("PullRequest", body)
    assert title is not None
    head, base = call.text("head", required=True) or "", call.text("base", required=True) or ""
    owner, colon, branch = head.rpartition(":")
    if colon and owner.lower() != repository.owner.login.lower():
        raise invalid("PullRequest", field="head", code="invalid")
    head_sha = git.ref_sha(repository.path, f"refs/heads/{branch}") if branch else None
    base_sha = git.ref_sha(repository.path, f"refs/heads/{base}") if base else None
    if head_sha is None:
        raise invalid("PullRequest", field="head", code="invalid")
    if base_sha is None:
        raise invalid("PullRequest", field="base", code="invalid")
    draft = bool(call.body.get("draft", False))
    if draft and repository.private and repository.plan == "free":
        raise unprocessable("Draft pull requests are not supported in this repository.")
    _refuse_second(repository, branch, base)
    if not git.commits_between(repository.path, base_sha, head_sha):
        raise invalid("PullRequest", message=f"No commits between {base} and {branch}")
    issue = make_issue(world, repository, call.account, title, body, via_app=call.via_app)
    number = world.next_id("pull")
    issue.pull = Pull(number, node_id("pull", number), issue, branch, head_sha, base, base_sha, draft)
    issue.pull.maintainer_can_modify = bool(call.body.get("maintainer_can_modify", True))
    world.nodes[issue.pull.node_id] = issue
    told = tell(world, issue, call.account, of="pull_request", text=f"{title}\n{body or ''}")
    call.note("pull_request", issue.number, repository, notifying=True, notified=told, what="opened", draft=draft)
    announce_pull(world, issue, "opened", call.account)
    return 201, pull_shape(world, issue, full=True)


def _refuse_second(repository: Repository, branch: str, base: str) -> None:
    for issue in repository.issues.values():
        pull = issue.pull
        if pull and issue.state == "open" and (pull.head_ref, pull.base_ref) == (branch, base):
            raise invalid(
                "PullRequest", message=f"A pull request already exists for {repository.owner.login}:{branch}."
            )


@route("GET", "/repos/{owner}/{repo}/pulls")
def list_pulls(call: Call) -> Any:
    """By `state`, `head` (`owner:branch`), `base`; newest first unless told."""
    repository = call.repository("pull_requests:read")
    state = call.query.get("state", "open")
    head, base = call.query.get("head"), call.query.get("base")
    found = []
    for issue in repository.issues.values():
        if issue.pull is None or (state != "all" and issue.state != state):
            continue
        # A head without its owner is no filter at all, as on GitHub.
        if head and ":" in head and head.lower() != f"{repository.owner.login}:{issue.pull.head_ref}".lower():
            continue
        if base and base != issue.pull.base_ref:
            continue
        if call.lagging("pulls", issue.created_at):
            continue
        found.append(issue)
    by_update = call.query.get("sort") == "updated"
    found.sort(key=lambda issue: (issue.updated_at if by_update else issue.created_at, issue.number))
    if call.query.get("direction", "asc" if call.query.get("sort") else "desc") != "asc":
        found.reverse()
    return [pull_shape(call.world, issue) for issue in call.page(found)]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}")
def get_pull(call: Call) -> Any:
    """JSON; or the diff, when the caller accepts `application/vnd.github.diff`."""
    issue, pull = find_pull(call)
    if "diff" in call.request.headers.get("Accept", ""):
        from werkzeug.wrappers import Response

        base = git.merge_base(issue.repository.path, pull.base_sha, pull.head_sha) or pull.base_sha
        text = git.git(issue.repository.path, "diff", "-M", base, pull.head_sha)
        return Response(text, content_type="application/vnd.github.diff; charset=utf-8")
    return pull_shape(call.world, issue, full=True)


@route("PATCH", "/repos/{owner}/{repo}/pulls/{number}")
def change_pull(call: Call) -> Any:
    """Title, body, state, base. There is no `draft` here: that is GraphQL's."""
    issue, pull = find_pull(call, "write")
    if call.via_app is None and call.account is not issue.user:
        access.authorize(call.actor, issue.repository, "pull_requests:write", "write")
    base = call.text("base")
    if base is not None and base != pull.base_ref:
        sha = git.ref_sha(issue.repository.path, f"refs/heads/{base}")
        if sha is None:
            raise invalid("PullRequest", field="base", code="invalid")
        pull.base_ref, pull.base_sha = base, sha
    apply_change(call, issue)
    call.note("pull_request", issue.number, issue.repository, what="changed")
    return pull_shape(call.world, issue, full=True)


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits")
def list_pull_commits(call: Call) -> Any:
    issue, pull = find_pull(call)
    shas = git.commits_between(issue.repository.path, pull.base_sha, pull.head_sha)
    return [commit_shape(call.world, issue.repository, sha) for sha in call.page(shas)]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/files")
def list_pull_files(call: Call) -> Any:
    issue, pull = find_pull(call)
    base = git.merge_base(issue.repository.path, pull.base_sha, pull.head_sha)
    files = changed_files(issue.repository.path, base, pull.head_sha)
    name = issue.repository.full_name
    return [file_shape(call.world.url, name, pull.head_sha, one) for one in call.page(files)]


def _asked(call: Call) -> list[Account]:
    repository = call.repository()
    accounts = []
    for login in call.body.get("reviewers") or []:
        account = call.world.account(str(login))
        if account is None or (account.login.lower() not in repository.roles and account is not repository.owner):
            raise unprocessable(
                f"Reviews may only be requested from collaborators. One or more of the users or teams you specified is "
                f"not a collaborator of the {repository.full_name} repository."
            )
        accounts.append(account)
    return accounts


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers")
def list_requested(call: Call) -> Any:
    _, pull = find_pull(call)
    return {"users": [user_shape(call.world, one) for one in pull.requested_reviewers], "teams": []}


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers")
def request_reviewers(call: Call) -> Any:
    """Ask collaborators for a review. The author cannot be asked."""
    issue, pull = find_pull(call, "write", "write")
    asked = _asked(call)
    if issue.user in asked:
        raise unprocessable("Review cannot be requested from pull request author.")
    new = [account for account in asked if account not in pull.requested_reviewers]
    for account in new:
        pull.requested_reviewers.append(account)
    told: list[str] = []
    if new:
        before = dict(issue.subscribers)
        # Only those who are asked hear of it.
        issue.subscribers = {}
        watchers, issue.repository.watchers = issue.repository.watchers, set()
        also = [(account.login, "review_requested") for account in new]
        told = tell(call.world, issue, call.account, of="review_request", also=also)
        issue.subscribers = {**issue.subscribers, **before}
        issue.repository.watchers = watchers
    call.note("review_request", issue.number, issue.repository, notifying=bool(new), notified=told, what="requested")
    for account in new:
        reviewer = user_shape(call.world, account)
        announce_pull(call.world, issue, "review_requested", call.account, requested_reviewer=reviewer)
    return 201, pull_shape(call.world, issue)


@route("DELETE", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers")
def unrequest_reviewers(call: Call) -> Any:
    issue, pull = find_pull(call, "write", "write")
    asked = _asked(call)
    for account in [one for one in pull.requested_reviewers if one in asked]:
        pull.requested_reviewers.remove(account)
        reviewer = user_shape(call.world, account)
        announce_pull(call.world, issue, "review_request_removed", call.account, requested_reviewer=reviewer)
    call.note("review_request", issue.number, issue.repository, what="removed")
    return pull_shape(call.world, issue)
