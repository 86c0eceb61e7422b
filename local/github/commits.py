"""Commits, seen through REST."""

from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.diff import changed_files, file_shape
from local.github.refusals import Refusal, not_found
from local.github.shapes import maybe_user
from local.github.state import Account, Repository, World


def verification(repository: Repository, commit: git.Commit) -> dict[str, Any]:
    """GitHub's word on the signature: valid only for those that it made itself."""
    if commit.sha in repository.signed:
        return {
            "verified": True,
            "reason": "valid",
            "signature": commit.signature,
            "payload": commit.payload,
            "verified_at": commit.committer.at,
        }
    reason = "unknown_key" if commit.signature else "unsigned"
    return {"verified": False, "reason": reason, "signature": commit.signature, "payload": None, "verified_at": None}


def account_of(world: World, email: str) -> Account | None:
    """The account behind a no-reply address."""
    number = email.partition("+")[0]
    return next(
        (a for a in world.accounts.values() if a.email == email or (str(a.id) == number and "+" in email)), None
    )


def _person(who: git.Person) -> dict[str, str]:
    return {"name": who.name, "email": who.email, "date": who.at}


def git_commit_shape(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    """A commit as the Git Data API has it."""
    commit = git.read_commit(repository.path, sha)
    api = f"{world.url}/repos/{repository.full_name}/git"
    page = f"{world.url}/{repository.full_name}/commit"
    return {
        "sha": sha,
        "node_id": f"C_kwDO{sha[:24]}",
        "url": f"{api}/commits/{sha}",
        "html_url": f"{page}/{sha}",
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        "tree": {"sha": commit.tree, "url": f"{api}/trees/{commit.tree}"},
        "message": commit.message,
        "parents": [{"sha": one, "url": f"{api}/commits/{one}", "html_url": f"{page}/{one}"} for one in commit.parents],
        "verification": verification(repository, commit),
    }


def commit_shape(world: World, repository: Repository, sha: str, *, files: bool = False) -> dict[str, Any]:
    """A commit as `GET /commits` has it; `files` adds what it changed."""
    commit = git.read_commit(repository.path, sha)
    api = f"{world.url}/repos/{repository.full_name}/commits"
    page = f"{world.url}/{repository.full_name}/commit"
    tree_url = f"{world.url}/repos/{repository.full_name}/git/trees/{commit.tree}"
    shape: dict[str, Any] = {
        "sha": sha,
        "node_id": f"C_kwDO{sha[:24]}",
        "commit": {
            "author": _person(commit.author),
            "committer": _person(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": tree_url},
            "url": f"{world.url}/repos/{repository.full_name}/git/commits/{sha}",
            "comment_count": 0,
            "verification": verification(repository, commit),
        },
        "url": f"{api}/{sha}",
        "html_url": f"{page}/{sha}",
        "comments_url": f"{api}/{sha}/comments",
        "author": maybe_user(world, account_of(world, commit.author.email)),
        "committer": maybe_user(world, account_of(world, commit.committer.email)),
        "parents": [{"sha": one, "url": f"{api}/{one}", "html_url": f"{page}/{one}"} for one in commit.parents],
    }
    if files:
        changed = changed_files(repository.path, commit.parents[0] if commit.parents else None, sha)
        shape["stats"] = {
            "total": sum(one["changes"] for one in changed),
            "additions": sum(one["additions"] for one in changed),
            "deletions": sum(one["deletions"] for one in changed),
        }
        shape["files"] = [file_shape(world.url, repository.full_name, sha, one) for one in changed]
    return shape


def push_commit_shape(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    """A commit as the `push` event has it."""
    commit = git.read_commit(repository.path, sha)
    changed = changed_files(repository.path, commit.parents[0] if commit.parents else None, sha)
    people = {
        role: {"name": who.name, "email": who.email, "username": who.name}
        for role, who in (("author", commit.author), ("committer", commit.committer))
    }
    return {
        "id": sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer.at,
        "url": f"{world.url}/{repository.full_name}/commit/{sha}",
        **people,
        "added": [one["filename"] for one in changed if one["status"] == "added"],
        "removed": [one["filename"] for one in changed if one["status"] == "removed"],
        "modified": [one["filename"] for one in changed if one["status"] not in ("added", "removed")],
    }


def find_commit(repository: Repository, name: str) -> str:
    """The sha that a name means. Raises GitHub's 409 for an empty repository and 422 for an unknown name."""
    sha = git.resolve(repository.path, name)
    if sha is None and not git.refs(repository.path, "refs/"):
        raise Refusal(409, "Git Repository is empty.")
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {name}")
    return sha


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}")
def get_commit(call: Call) -> Any:
    repository = call.repository("contents:read")
    return commit_shape(call.world, repository, find_commit(repository, call.args["ref"]), files=True)


@route("GET", "/repos/{owner}/{repo}/commits/{sha}/pulls")
def pulls_of_commit(call: Call) -> Any:
    from local.github.pulls import pull_shape

    repository = call.repository("pull_requests:read")
    sha = find_commit(repository, call.args["sha"])
    pulls = [issue for issue in repository.issues.values() if issue.pull]
    found = [
        issue for issue in pulls if issue.pull and sha in _of_pull(repository, issue.pull.base_sha, issue.pull.head_sha)
    ]
    return [pull_shape(call.world, issue) for issue in call.page(found)]


def _of_pull(repository: Repository, base: str, head: str) -> list[str]:
    return [head, *git.commits_between(repository.path, base, head)]


@route("GET", "/repos/{owner}/{repo}/commits")
def list_commits(call: Call) -> Any:
    """Newest first from `sha` (a branch or a commit; the default branch unless told), for one `path` if asked."""
    repository = call.repository("contents:read")
    start = call.query.get("sha") or repository.default_branch
    if git.resolve(repository.path, start) is None and git.refs(repository.path, "refs/"):
        raise not_found()
    options = []
    for name, option in (("since", "--since"), ("until", "--until"), ("author", "--author")):
        if call.query.get(name):
            options.append(f"{option}={call.query[name]}")
    paths = ["--", call.query["path"]] if call.query.get("path") else []
    listed = git.git(repository.path, "rev-list", *options, find_commit(repository, start), *paths).decode().split()
    return [commit_shape(call.world, repository, sha) for sha in call.page(listed)]
