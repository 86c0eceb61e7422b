"""Merging pull requests, and keeping them in step with their branches."""

from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.git_data import GITHUB, person_of
from local.github.issue_state import Issue, Pull
from local.github.notify import tell
from local.github.pulls import announce_pull, find_pull, merged_tree
from local.github.refs import moved
from local.github.refusals import Refusal, not_found
from local.github.state import Account, Repository, World


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/merge")
def is_merged(call: Call) -> Any:
    _, pull = find_pull(call)
    if pull.merged_at is None:
        raise not_found()
    return 204, None


@route("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge")
def merge(call: Call) -> Any:
    """Merge commit or squash. `sha` guards the head."""
    issue, pull = find_pull(call, "write", "write")
    repository, world = issue.repository, call.world
    if issue.state != "open" or pull.draft:
        raise Refusal(405, "Pull Request is not mergeable" if not pull.draft else "Pull Request is still a draft")
    if (sha := call.text("sha")) is not None and sha != pull.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    tree = merged_tree(issue)
    base = git.ref_sha(repository.path, f"refs/heads/{pull.base_ref}")
    if tree is None or base is None:
        raise Refusal(405, "Pull Request is not mergeable")
    squash = call.text("merge_method") == "squash"
    title = f"{issue.title} (#{issue.number})" if squash else f"Merge pull request #{issue.number} from {pull.head_ref}"
    now = world.now()
    made = git.write_commit(
        repository.path,
        tree=tree,
        parents=[base] if squash else [base, pull.head_sha],
        message=f"{call.text('commit_title') or title}\n\n{call.text('commit_message') or ''}".rstrip(),
        author=person_of(call.account, now),
        committer=(*GITHUB, int(now), "+0000"),
        sign=True,
    )
    repository.signed.add(made)
    ref = f"refs/heads/{pull.base_ref}"
    git.update_ref(repository.path, ref, made, base)
    _mark_merged(world, issue, pull, call.account, made)
    told = tell(world, issue, call.account, of="state")
    call.note("state", issue.number, repository, notifying=True, notified=told, what="merged")
    moved(world, repository, call.account, [(ref, base, made)])
    return {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


def _mark_merged(world: World, issue: Issue, pull: Pull, by: Account, sha: str) -> None:
    now = world.now()
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = now, by, sha
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", now, by, now
    announce_pull(world, issue, "closed", by)


def follow_branch(world: World, repository: Repository, actor: Account, branch: str, before: str, after: str) -> None:
    """Keep open pull requests in step with a branch that moved: synchronize, close, or mark as merged."""
    for issue in list(repository.issues.values()):
        pull = issue.pull
        if pull is None or issue.state != "open":
            continue
        if pull.head_ref == branch and after == git.ZERO:
            issue.state, issue.closed_at, issue.closed_by = "closed", world.now(), actor
            announce_pull(world, issue, "closed", actor)
        elif pull.head_ref == branch:
            pull.head_sha, issue.updated_at = after, world.now()
            announce_pull(world, issue, "synchronize", actor, before=before, after=after)
        elif pull.base_ref == branch and after != git.ZERO:
            if git.is_ancestor(repository.path, pull.head_sha, after):
                _mark_merged(world, issue, pull, actor, after)
            else:
                pull.base_sha = after
