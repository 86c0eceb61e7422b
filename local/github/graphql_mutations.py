"""What GraphQL alone can change: refs with a guard, drafts, hidden comments, threads, signed commits on a branch."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from local.github import access, git
from local.github.call import Call
from local.github.git_data import GITHUB, person_of
from local.github.graphql import Problem
from local.github.graphql_types import CommitAt, Known, Ref, find_node, linked, scalar
from local.github.issue_state import Comment, Issue, ReviewComment, Thread
from local.github.pulls import announce_pull
from local.github.refs import guard_workflows, moved, well_formed
from local.github.refusals import Refusal
from local.github.state import Repository
from local.github.webhooks import emit

CLASSIFIERS = ("ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM", "LOW_QUALITY")


def _may_write(call: Call, repository: Repository, need: str, role: str = "write") -> None:
    try:
        access.authorize(call.actor, repository, need, role)
    except Refusal as refusal:
        what = refusal.message if call.via_app else f"{call.account.login} does not have the correct permissions"
        raise Problem("FORBIDDEN" if refusal.status == 403 else "NOT_FOUND", what) from refusal
    if repository.archived:
        raise Problem("FORBIDDEN", "Repository was archived so is read-only.")


def _update_refs(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Several refs, all or none. `beforeOid` is what a ref must be at now; zeros: it must not exist, or deletes it."""
    repository = find_node(call, given["repositoryId"], (Repository,))
    _may_write(call, repository, "contents:write")
    changes = [_ref_update(call, repository, one) for one in given["refUpdates"]]
    if len({ref for ref, _, _ in changes}) != len(changes):
        raise Problem("UNPROCESSABLE", "A ref is named more than once.")
    try:
        git.update_refs(repository.path, changes)
    except git.GitError as error:
        raise Problem("UNPROCESSABLE", f"Ref updates failed: {error}") from error
    for ref, new, old in changes:
        what = "deleted" if new == git.ZERO else "created" if old == git.ZERO else "moved"
        call.note("ref", ref, repository, what=what, sha=new)
    moved(call.world, repository, call.account, [(ref, old, new) for ref, new, old in changes])
    return {}


def _ref_update(call: Call, repository: Repository, one: dict[str, Any]) -> tuple[str, str, str]:
    ref, after = str(one.get("name") or ""), str(one.get("afterOid") or "")
    before, force = one.get("beforeOid"), bool(one.get("force", False))
    unknown = set(one) - {"name", "afterOid", "beforeOid", "force"}
    if unknown:
        raise Problem("UNPROCESSABLE", f"InputObject 'RefUpdate' doesn't accept argument '{min(unknown)}'")
    if not ref.startswith("refs/") or not well_formed(ref):
        raise Problem("UNPROCESSABLE", f"{ref} is not a fully qualified ref name.")
    for oid in (after, before or git.ZERO):
        if not git.SHA.fullmatch(oid):
            raise Problem("UNPROCESSABLE", f"{oid} is not a valid Git object id.")
    now = git.ref_sha(repository.path, ref) or git.ZERO
    if before is not None and before != now:
        raise Problem("UNPROCESSABLE", f"Ref {ref} is at {now} but expected {before}.")
    if after == git.ZERO:
        if now == git.ZERO:
            raise Problem("UNPROCESSABLE", f"Ref {ref} does not exist.")
        if ref == f"refs/heads/{repository.default_branch}":
            raise Problem("UNPROCESSABLE", "Cannot delete the default branch.")
        return ref, after, now
    kind = git.object_type(repository.path, after)
    if kind is None or (ref.startswith("refs/heads/") and kind != "commit"):
        raise Problem("UNPROCESSABLE", f"Object {after} does not exist.")
    if now != git.ZERO and not force and not git.is_ancestor(repository.path, now, after):
        raise Problem("UNPROCESSABLE", f"Ref {ref} cannot be updated: Update is not a fast forward")
    guard_workflows(call.actor, repository, after)
    return ref, after, now


def _pull_node(call: Call, key: str) -> Issue:
    issue = find_node(call, key, (Issue,))
    if issue.pull is None:
        raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{key}'")
    _may_write(call, issue.repository, "pull_requests:write")
    return issue  # type: ignore[no-any-return]


def _ready(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    issue = _pull_node(call, given["pullRequestId"])
    assert issue.pull is not None
    if issue.state != "open":
        raise Problem("UNPROCESSABLE", "Pull request is closed")
    if issue.pull.draft:
        issue.pull.draft = False
        call.note("pull_request", issue.number, issue.repository, what="ready_for_review")
        announce_pull(call.world, issue, "ready_for_review", call.account)
    return {"pullRequest": issue}


def _draft(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    issue = _pull_node(call, given["pullRequestId"])
    assert issue.pull is not None
    if issue.repository.private and issue.repository.plan == "free":
        raise Problem("UNPROCESSABLE", "Draft pull requests are not supported in this repository.")
    if issue.state != "open":
        raise Problem("UNPROCESSABLE", "Pull request is closed")
    if not issue.pull.draft:
        issue.pull.draft = True
        call.note("pull_request", issue.number, issue.repository, what="converted_to_draft")
        announce_pull(call.world, issue, "converted_to_draft", call.account)
    return {"pullRequest": issue}


def _hideable(call: Call, key: str) -> Comment | ReviewComment:
    found = find_node(call, key, (Comment, ReviewComment))
    if isinstance(found, Comment):
        need = "issues:write|pull_requests:write" if found.issue.pull else "issues:write"
        _may_write(call, found.repository, need)
    else:
        _may_write(call, found.pull.issue.repository, "pull_requests:write")
    return found  # type: ignore[no-any-return]


def _minimize(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    if given["classifier"] not in CLASSIFIERS:
        raise Problem("UNPROCESSABLE", f"Argument 'classifier' has an invalid value ({given['classifier']}).")
    comment = _hideable(call, given["subjectId"])
    comment.minimized = given["classifier"]
    call.note("comment", comment.id, None, what="minimized")
    return {"minimizedComment": comment}


def _unminimize(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    comment = _hideable(call, given["subjectId"])
    comment.minimized = None
    call.note("comment", comment.id, None, what="unminimized")
    return {"unminimizedComment": comment}


def _thread(call: Call, given: dict[str, Any]) -> Thread:
    thread = find_node(call, given["threadId"], (Thread,))
    _may_write(call, thread.pull.issue.repository, "pull_requests:write")
    return thread  # type: ignore[no-any-return]


def _tell_thread(call: Call, thread: Thread, action: str) -> None:
    from local.github.pulls import pull_shape
    from local.github.review_comments import review_comment_shape

    issue = thread.pull.issue
    call.note("thread", thread.node_id, issue.repository, what=action)
    comments = [review_comment_shape(call.world, issue, one) for one in thread.comments]
    payload = {
        "action": action,
        "thread": {"node_id": thread.node_id, "comments": comments},
        "pull_request": pull_shape(call.world, issue),
    }
    emit(call.world, "pull_request_review_thread", issue.repository, call.account, payload)


def _resolve(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    thread = _thread(call, given)
    thread.resolved_by = call.account
    _tell_thread(call, thread, "resolved")
    return {"thread": thread}


def _unresolve(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    thread = _thread(call, given)
    thread.resolved_by = None
    _tell_thread(call, thread, "unresolved")
    return {"thread": thread}


def _reply(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    from local.github.notify import tell
    from local.github.review_comments import add_comment, announce_comment

    thread = find_node(call, given["pullRequestReviewThreadId"], (Thread,))
    issue = thread.pull.issue
    _may_write(call, issue.repository, "pull_requests:write", "read")
    comment = add_comment(call, thread.pull, None, {"body": given["body"]}, thread.comments[0])
    told = tell(call.world, issue, call.account, of="review_comment", text=comment.body, source=comment.id)
    call.note("review_comment", comment.id, issue.repository, notifying=True, notified=told, number=issue.number)
    announce_comment(call, issue, comment, "created")
    return {"comment": comment}


def _commit_on_branch(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """A signed commit of additions and deletions, if the branch still is at `expectedHeadOid`."""
    branch = given["branch"]
    owner, _, name = str(branch.get("repositoryNameWithOwner") or "").partition("/")
    repository = call.world.repository(owner, name)
    if repository is None or not access.may_see(call.actor, repository):
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    _may_write(call, repository, "contents:write")
    ref = "refs/heads/" + re.sub(r"^refs/heads/", "", str(branch.get("branchName") or ""))
    head = git.ref_sha(repository.path, ref)
    if head is None:
        raise Problem("NOT_FOUND", f"Branch {ref} does not exist")
    if head != given["expectedHeadOid"]:
        oid = given["expectedHeadOid"]
        raise Problem("STALE_DATA", f'Expected branch to point to "{oid}" but it did not. Pull and try again.')
    tree = git.build_tree(repository.path, head, _file_changes(repository, given.get("fileChanges") or {}, head))
    message = given["message"]
    text = f"{message['headline']}\n\n{message.get('body') or ''}".rstrip()
    now = call.world.now()
    sha = git.write_commit(
        repository.path,
        tree=tree,
        parents=[head],
        message=text,
        author=person_of(call.account, now),
        committer=(*GITHUB, int(now), "+0000"),
        sign=True,
    )
    guard_workflows(call.actor, repository, sha)
    repository.signed.add(sha)
    git.update_ref(repository.path, ref, sha, head)
    call.note("commit", sha, repository, what="created", verified=True)
    moved(call.world, repository, call.account, [(ref, head, sha)])
    return {"commit": CommitAt(repository, sha), "ref": Ref(repository, ref, sha)}


def _file_changes(repository: Repository, given: dict[str, Any], head: str) -> list[tuple[str, str | None, str]]:
    known = {one.path: one for one in git.list_tree(repository.path, head, recursive=True)}
    changes: list[tuple[str, str | None, str]] = []
    for one in given.get("deletions") or []:
        if one["path"] not in known:
            raise Problem(
                "UNPROCESSABLE", f"A path was requested for deletion which does not exist as of commit oid `{head}`"
            )
        changes.append(("100644", None, one["path"]))
    for one in given.get("additions") or []:
        try:
            content = base64.b64decode(one["contents"], validate=True)
        except binascii.Error as error:
            raise Problem("UNPROCESSABLE", "contents is not valid Base64") from error
        # The mode of a file that is there stays; a new one is plain.
        mode = known[one["path"]].mode if one["path"] in known else "100644"
        changes.append((mode, git.write_blob(repository.path, content), one["path"]))
    return changes


def _mutation(name: str, run: Callable[[Call, dict[str, Any]], dict[str, Any]], needed: str, more: str = "") -> Known:
    def resolve(call: Call, _subject: Any, arguments: dict[str, Any]) -> Any:
        given = arguments["input"]
        return {**run(call, given), "clientMutationId": given.get("clientMutationId")}

    inputs = tuple(f"{needed} {more}".split())
    return Known(f"{name[0].upper()}{name[1:]}Payload", resolve, ("input",), ("input",), inputs, tuple(needed.split()))


MUTATIONS = {
    name: _mutation(name, run, needed, more)
    for name, run, needed, more in (
        ("updateRefs", _update_refs, "repositoryId refUpdates", ""),
        ("markPullRequestReadyForReview", _ready, "pullRequestId", ""),
        ("convertPullRequestToDraft", _draft, "pullRequestId", ""),
        ("minimizeComment", _minimize, "subjectId classifier", ""),
        ("unminimizeComment", _unminimize, "subjectId", ""),
        ("resolveReviewThread", _resolve, "threadId", ""),
        ("unresolveReviewThread", _unresolve, "threadId", ""),
        ("addPullRequestReviewThreadReply", _reply, "pullRequestReviewThreadId body", "pullRequestReviewId"),
        ("createCommitOnBranch", _commit_on_branch, "branch expectedHeadOid message", "fileChanges"),
    )
}

_RESULTS = {
    "updateRefs": {},
    "markPullRequestReadyForReview": {"pullRequest": "PullRequest"},
    "convertPullRequestToDraft": {"pullRequest": "PullRequest"},
    "minimizeComment": {"minimizedComment": "Minimizable"},
    "unminimizeComment": {"unminimizedComment": "Minimizable"},
    "resolveReviewThread": {"thread": "PullRequestReviewThread"},
    "unresolveReviewThread": {"thread": "PullRequestReviewThread"},
    "addPullRequestReviewThreadReply": {"comment": "PullRequestReviewComment"},
    "createCommitOnBranch": {"commit": "Commit", "ref": "Ref"},
}  # type: dict[str, dict[str, str]]


def _payload(results: dict[str, str]) -> dict[str, Known]:
    known = {"clientMutationId": scalar(lambda given: given["clientMutationId"])}
    for name, kind in results.items():
        known[name] = linked(kind, lambda given, name=name: given[name])  # type: ignore[misc]
    return known


PAYLOADS = {f"{name[0].upper()}{name[1:]}Payload": _payload(results) for name, results in _RESULTS.items()}
