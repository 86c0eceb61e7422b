"""The types that `POST /graphql` knows: what a field is called, what it takes, how it is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.github import access, git
from local.github.call import Call
from local.github.check_state import CheckRun, CheckSuite
from local.github.commits import verification
from local.github.graphql import Connection, Problem
from local.github.issue_state import Comment, Edit, Issue, Label, Review, ReviewComment, Thread
from local.github.state import Account, Repository, iso

Resolve = Callable[[Call, Any, dict[str, Any]], Any]


@dataclass(frozen=True)
class Known:
    """A field: the type of its value, its arguments, how it is found; `inputs` and `needed` are a mutation's."""

    type: str
    resolve: Resolve
    arguments: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ref:
    """A branch or tag as GraphQL has it."""

    repository: Repository
    name: str
    sha: str


@dataclass(frozen=True)
class CommitAt:
    repository: Repository
    sha: str


PAGED = ("first", "last", "after", "before")


def scalar(read: Callable[[Any], Any], kind: str = "String") -> Known:
    """A plain value read off the object."""
    return Known(kind, lambda _call, subject, _args: read(subject))


def linked(kind: str, read: Callable[[Any], Any]) -> Known:
    """An object read off the object."""
    return Known(kind, lambda _call, subject, _args: read(subject))


def listed(kind: str, read: Callable[[Any], list[Any]], *more: str) -> Known:
    """A connection read off the object."""
    return Known(f"{kind}Connection", lambda _call, subject, _args: Connection(read(subject)), (*PAGED, *more))


def _url(path: Callable[[Any], str]) -> Known:
    return Known("URI", lambda call, subject, _args: call.world.url + path(subject))


def _page(issue: Issue) -> str:
    return f"/{issue.repository.full_name}/{'pull' if issue.pull else 'issues'}/{issue.number}"


def _see(call: Call, repository: Repository, need: str) -> None:
    access.authorize(call.actor, repository, need)


def _repository(call: Call, _subject: Any, arguments: dict[str, Any]) -> Repository:
    owner, name = arguments["owner"], arguments["name"]
    found = call.world.repository(owner, name)
    if found is None or not access.may_see(call.actor, found):
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return found


def repository_of(subject: Any) -> Repository | None:
    """The repository that an object belongs to."""
    match subject:
        case Repository():
            return subject
        case Issue() | Comment() | Ref() | CommitAt() | CheckRun() | CheckSuite():
            return subject.repository
        case Thread() | ReviewComment():
            return subject.pull.issue.repository
        case _:
            return None


def find_node(call: Call, key: str, kinds: tuple[type, ...] = (object,)) -> Any:
    """The object with this global id, if the caller may see it. Raises Problem NOT_FOUND."""
    found = call.world.nodes.get(key)
    repository = repository_of(found)
    hidden = repository is not None and not access.may_see(call.actor, repository)
    if found is None or hidden or not isinstance(found, kinds):
        raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{key}'")
    return found


def _node(call: Call, _subject: Any, arguments: dict[str, Any]) -> Any:
    return find_node(call, arguments["id"])


def _issue(call: Call, repository: Repository, arguments: dict[str, Any]) -> Issue:
    found = repository.issues.get(int(arguments["number"]))
    if found is None or call.flickers("issue", found.id):
        raise Problem(
            "NOT_FOUND", f"Could not resolve to an issue or pull request with the number of {arguments['number']}."
        )
    _see(call, repository, "issues:read|pull_requests:read" if found.pull else "issues:read")
    return found


def _only_issue(call: Call, repository: Repository, arguments: dict[str, Any]) -> Issue:
    found = _issue(call, repository, arguments)
    if found.pull:
        raise Problem("NOT_FOUND", f"Could not resolve to an Issue with the number of {found.number}.")
    return found


def _only_pull(call: Call, repository: Repository, arguments: dict[str, Any]) -> Issue:
    found = _issue(call, repository, arguments)
    if not found.pull:
        raise Problem("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {found.number}.")
    return found


def _pulls(call: Call, repository: Repository, arguments: dict[str, Any]) -> Connection:
    _see(call, repository, "pull_requests:read")
    states = arguments.get("states") or ["OPEN", "CLOSED", "MERGED"]
    states = states if isinstance(states, list) else [states]
    found = [issue for issue in repository.issues.values() if issue.pull and _state(issue) in states]
    for name, field in (("headRefName", "head_ref"), ("baseRefName", "base_ref")):
        if arguments.get(name):
            found = [issue for issue in found if getattr(issue.pull, field) == arguments[name]]
    return Connection([issue for issue in found if not call.lagging("pulls", issue.created_at)])


def _ref(call: Call, repository: Repository, arguments: dict[str, Any]) -> Ref | None:
    _see(call, repository, "contents:read")
    name = arguments["qualifiedName"]
    full = name if name.startswith("refs/") else f"refs/heads/{name}"
    sha = git.ref_sha(repository.path, full)
    return Ref(repository, full, sha) if sha else None


def _default(call: Call, repository: Repository, _arguments: dict[str, Any]) -> Ref | None:
    return _ref(call, repository, {"qualifiedName": repository.default_branch})


def _object(call: Call, repository: Repository, arguments: dict[str, Any]) -> CommitAt | None:
    _see(call, repository, "contents:read")
    sha = git.resolve(repository.path, str(arguments.get("oid") or arguments.get("expression") or ""))
    return CommitAt(repository, sha) if sha else None


def _state(issue: Issue) -> str:
    return "MERGED" if issue.pull and issue.pull.merged_at else issue.state.upper()


def typename(subject: Any, kind: str) -> str:
    """The concrete type of an object where the field's type is an interface."""
    match subject:
        case Account():
            return subject.type
        case Issue():
            return "PullRequest" if subject.pull else "Issue"
        case Comment():
            return "IssueComment"
        case ReviewComment():
            return "PullRequestReviewComment"
        case Review():
            return "PullRequestReview"
        case Thread():
            return "PullRequestReviewThread"
        case Repository():
            return "Repository"
        case Label():
            return "Label"
        case CommitAt():
            return "Commit"
        case _:
            return kind


def _edits(comment: Comment | ReviewComment) -> list[Edit]:
    """Newest first. Once there is an edit, the text as it was made is the oldest entry."""
    if not comment.edits:
        return []
    return [*reversed(comment.edits), Edit(comment.user, comment.created_at, "")]


_LIKE_COMMENT: dict[str, Known] = {
    "lastEditedAt": scalar(lambda c: iso(c.edits[-1].at) if c.edits else None),
    "editor": linked("Actor", lambda c: c.edits[-1].editor if c.edits else None),
    "includesCreatedEdit": scalar(lambda c: bool(c.edits), "Boolean"),
    "userContentEdits": listed("UserContentEdit", _edits),
    "id": scalar(lambda c: c.node_id, "ID"),
    "databaseId": scalar(lambda c: c.id, "Int"),
    "fullDatabaseId": scalar(lambda c: str(c.id), "BigInt"),
    "body": scalar(lambda c: c.body),
    "author": linked("Actor", lambda c: c.user),
    "createdAt": scalar(lambda c: iso(c.created_at)),
    "updatedAt": scalar(lambda c: iso(c.updated_at)),
    "isMinimized": scalar(lambda c: c.minimized is not None, "Boolean"),
    "minimizedReason": scalar(lambda c: c.minimized.lower() if c.minimized else None),
}
_ACTOR: dict[str, Known] = {
    "login": scalar(lambda a: a.login),
    "url": _url(lambda a: f"/{a.login}"),
    "avatarUrl": _url(lambda a: f"/avatars/{a.id}"),
    "id": scalar(lambda a: a.node_id, "ID"),
    "databaseId": scalar(lambda a: a.id, "Int"),
    "name": scalar(lambda a: a.name),
}
_LIKE_ISSUE: dict[str, Known] = {
    "id": scalar(lambda i: i.pull.node_id if i.pull else i.node_id, "ID"),
    "databaseId": scalar(lambda i: i.pull.id if i.pull else i.id, "Int"),
    "fullDatabaseId": scalar(lambda i: str(i.pull.id if i.pull else i.id), "BigInt"),
    "number": scalar(lambda i: i.number, "Int"),
    "title": scalar(lambda i: i.title),
    "body": scalar(lambda i: i.body or ""),
    "state": scalar(_state),
    "locked": scalar(lambda i: i.locked, "Boolean"),
    "author": linked("Actor", lambda i: i.user),
    "createdAt": scalar(lambda i: iso(i.created_at)),
    "updatedAt": scalar(lambda i: iso(i.updated_at)),
    "closedAt": scalar(lambda i: iso(i.closed_at)),
    "url": _url(_page),
    "repository": linked("Repository", lambda i: i.repository),
    "labels": listed("Label", lambda i: i.labels),
    "comments": Known(
        "IssueCommentConnection",
        lambda call, i, _a: Connection([c for c in i.comments if not call.lagging("comments", c.created_at)]),
        (*PAGED, "orderBy"),
    ),
}

TYPES: dict[str, dict[str, Known]] = {
    "Query": {
        "viewer": Known("Actor", lambda call, _s, _a: call.account),
        "repository": Known("Repository", _repository, ("owner", "name", "followRenames"), ("owner", "name")),
        "node": Known("Node", _node, ("id",), ("id",)),
        "nodes": Known("Node", lambda call, _s, a: [find_node(call, key) for key in a["ids"]], ("ids",), ("ids",)),
        "rateLimit": Known("RateLimit", lambda call, _s, _a: {"now": call.world.now()}, ("dryRun",)),
    },
    "RateLimit": {
        "limit": scalar(lambda _r: 5000, "Int"),
        "cost": scalar(lambda _r: 1, "Int"),
        "remaining": scalar(lambda _r: 4990, "Int"),
        "used": scalar(lambda _r: 10, "Int"),
        "resetAt": scalar(lambda r: iso(r["now"] + 3600)),
    },
    "Node": {"id": scalar(lambda n: n.pull.node_id if isinstance(n, Issue) and n.pull else n.node_id, "ID")},
    "Actor": {name: _ACTOR[name] for name in ("login", "url", "avatarUrl")},
    "User": _ACTOR,
    "Bot": {name: known for name, known in _ACTOR.items() if name != "name"},
    "Organization": _ACTOR,
    "Repository": {
        "id": scalar(lambda r: r.node_id, "ID"),
        "databaseId": scalar(lambda r: r.id, "Int"),
        "name": scalar(lambda r: r.name),
        "nameWithOwner": scalar(lambda r: r.full_name),
        "owner": linked("Actor", lambda r: r.owner),
        "url": _url(lambda r: f"/{r.full_name}"),
        "isPrivate": scalar(lambda r: r.private, "Boolean"),
        "isArchived": scalar(lambda r: r.archived, "Boolean"),
        "hasIssuesEnabled": scalar(lambda r: r.has_issues, "Boolean"),
        "defaultBranchRef": Known("Ref", _default),
        "ref": Known("Ref", _ref, ("qualifiedName",), ("qualifiedName",)),
        "object": Known("GitObject", _object, ("oid", "expression")),
        "issue": Known("Issue", _only_issue, ("number",), ("number",)),
        "pullRequest": Known("PullRequest", _only_pull, ("number",), ("number",)),
        "issueOrPullRequest": Known("IssueOrPullRequest", _issue, ("number",), ("number",)),
        "pullRequests": Known(
            "PullRequestConnection", _pulls, (*PAGED, "states", "headRefName", "baseRefName", "orderBy")
        ),
    },
    "Ref": {
        "id": scalar(lambda r: f"REF_{r.repository.id}_{r.name}", "ID"),
        "name": scalar(lambda r: r.name.split("/", 2)[2]),
        "prefix": scalar(lambda r: "/".join(r.name.split("/", 2)[:2]) + "/"),
        "target": linked("GitObject", lambda r: CommitAt(r.repository, r.sha)),
    },
    "GitObject": {"oid": scalar(lambda c: c.sha), "id": scalar(lambda c: f"C_kwDO{c.sha[:24]}", "ID")},
    "Commit": {
        "oid": scalar(lambda c: c.sha),
        "id": scalar(lambda c: f"C_kwDO{c.sha[:24]}", "ID"),
        "message": scalar(lambda c: git.read_commit(c.repository.path, c.sha).message),
        "messageHeadline": scalar(lambda c: git.read_commit(c.repository.path, c.sha).message.split("\n")[0]),
        "committedDate": scalar(lambda c: git.read_commit(c.repository.path, c.sha).committer.at),
        "url": _url(lambda c: f"/{c.repository.full_name}/commit/{c.sha}"),
        "signature": linked("GitSignature", lambda c: c if c.sha in c.repository.signed else None),
    },
    "GitSignature": {
        "isValid": scalar(
            lambda c: bool(verification(c.repository, git.read_commit(c.repository.path, c.sha))["verified"])
        ),
        "wasSignedByGitHub": scalar(lambda c: c.sha in c.repository.signed, "Boolean"),
    },
    "Issue": {**_LIKE_ISSUE, "stateReason": scalar(lambda i: i.state_reason.upper() if i.state_reason else None)},
    "PullRequest": {
        **_LIKE_ISSUE,
        "isDraft": scalar(lambda i: i.pull.draft, "Boolean"),
        "merged": scalar(lambda i: i.pull.merged_at is not None, "Boolean"),
        "mergedAt": scalar(lambda i: iso(i.pull.merged_at)),
        "headRefName": scalar(lambda i: i.pull.head_ref),
        "headRefOid": scalar(lambda i: i.pull.head_sha),
        "baseRefName": scalar(lambda i: i.pull.base_ref),
        "baseRefOid": scalar(lambda i: i.pull.base_sha),
        "reviews": listed("PullRequestReview", lambda i: i.pull.reviews, "states"),
        "reviewThreads": listed("PullRequestReviewThread", lambda i: i.pull.threads),
    },
    "IssueOrPullRequest": {},
    "IssueComment": {
        **_LIKE_COMMENT,
        "url": _url(lambda c: f"{_page(c.issue)}#issuecomment-{c.id}"),
        "issue": linked("Issue", lambda c: c.issue),
    },
    "PullRequestReview": {
        "id": scalar(lambda r: r.node_id, "ID"),
        "databaseId": scalar(lambda r: r.id, "Int"),
        "body": scalar(lambda r: r.body),
        "state": scalar(lambda r: r.state),
        "author": linked("Actor", lambda r: r.user),
        "submittedAt": scalar(lambda r: iso(r.submitted_at)),
    },
    "UserContentEdit": {
        "id": scalar(lambda e: f"UCE_{id(e)}", "ID"),
        "editor": linked("Actor", lambda e: e.editor),
        "editedAt": scalar(lambda e: iso(e.at)),
        "createdAt": scalar(lambda e: iso(e.at)),
    },
    "PullRequestReviewThread": {
        "id": scalar(lambda t: t.node_id, "ID"),
        "isResolved": scalar(lambda t: t.resolved_by is not None, "Boolean"),
        "isOutdated": scalar(lambda t: t.comments[0].commit_id != t.pull.head_sha, "Boolean"),
        "path": scalar(lambda t: t.comments[0].path),
        "line": scalar(lambda t: t.comments[0].line, "Int"),
        "resolvedBy": linked("User", lambda t: t.resolved_by),
        "comments": listed("PullRequestReviewComment", lambda t: t.comments),
        "pullRequest": linked("PullRequest", lambda t: t.pull.issue),
    },
    "PullRequestReviewComment": {
        **_LIKE_COMMENT,
        "path": scalar(lambda c: c.path),
        "line": scalar(lambda c: c.line, "Int"),
        "replyTo": linked("PullRequestReviewComment", lambda c: c.thread.comments[0] if c.in_reply_to else None),
        "url": _url(lambda c: f"{_page(c.pull.issue)}#discussion_r{c.id}"),
    },
    "Label": {
        "id": scalar(lambda n: n.node_id, "ID"),
        "name": scalar(lambda n: n.name),
        "color": scalar(lambda n: n.color),
    },
    "Minimizable": {name: _LIKE_COMMENT[name] for name in ("id", "isMinimized", "minimizedReason")},
    "PageInfo": {
        name: scalar(lambda info, name=name: info[name])  # type: ignore[misc]
        for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
    },
}

for _kind in (
    "Label",
    "IssueComment",
    "PullRequest",
    "PullRequestReview",
    "PullRequestReviewThread",
    "PullRequestReviewComment",
    "UserContentEdit",
):
    TYPES[f"{_kind}Connection"] = {
        "totalCount": scalar(lambda c: c["totalCount"], "Int"),
        "nodes": linked(_kind, lambda c: c["nodes"]),
        "edges": linked(f"{_kind}Edge", lambda c: c["edges"]),
        "pageInfo": linked("PageInfo", lambda c: c["pageInfo"]),
    }
    TYPES[f"{_kind}Edge"] = {"cursor": scalar(lambda e: e["cursor"]), "node": linked(_kind, lambda e: e["node"])}

INTERFACES = {
    "Node": set(TYPES) - {"Query", "Mutation"},
    "Actor": {"User", "Bot", "Organization"},
    "GitObject": {"Commit"},
    "Minimizable": {"IssueComment", "PullRequestReviewComment"},
    "Comment": {"IssueComment", "PullRequestReviewComment", "Issue", "PullRequest"},
    "IssueOrPullRequest": {"Issue", "PullRequest"},
}


def _complete() -> None:
    from local.github.graphql_mutations import MUTATIONS, PAYLOADS

    TYPES["Mutation"] = MUTATIONS
    TYPES.update(PAYLOADS)


_complete()
