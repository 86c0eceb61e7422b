"""Refs: read, make, move, delete; and what follows when one has moved."""

import base64
import re
from typing import Any

from local.github import access, git
from local.github.call import Call, route
from local.github.refusals import Refusal, not_found, schema, unprocessable
from local.github.state import Account, Repository, World
from local.github.webhooks import emit

Change = tuple[str, str, str]  # full ref, sha before, sha after; zeros where there is none


def ref_shape(world: World, repository: Repository, name: str, kind: str, sha: str) -> dict[str, Any]:
    api = f"{world.url}/repos/{repository.full_name}/git"
    return {
        "ref": name,
        "node_id": "REF_" + base64.urlsafe_b64encode(f"{repository.id}:{name}".encode()).decode().rstrip("="),
        "url": f"{api}/{name}",
        "object": {"sha": sha, "type": kind, "url": f"{api}/{kind}s/{sha}"},
    }


def guard_workflows(actor: access.Actor, repository: Repository, sha: str) -> None:
    """Refuse an App without `workflows: write` commits that make or change workflow files."""
    if not isinstance(actor, access.AppHere) or access.has_permission(actor, repository, "workflows:write"):
        return
    if name := git.workflow_files_changed(repository.path, sha):
        raise Refusal(
            403, f"refusing to allow a GitHub App to create or update workflow `{name}` without `workflows` permission"
        )


def well_formed(ref: str) -> bool:
    """Whether git would take this as a full ref name."""
    return git.ask(git.Path("/"), "check-ref-format", ref) is not None


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref+}")
def get_ref(call: Call) -> Any:
    repository = call.repository("contents:read")
    name = "refs/" + call.args["ref"]
    found = [row for row in git.refs(repository.path, name) if row[0] == name]
    if not found:
        raise not_found()
    return ref_shape(call.world, repository, *found[0])


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref+}")
def matching_refs(call: Call) -> Any:
    """Every ref whose name begins so; an empty list when none does."""
    repository = call.repository("contents:read")
    found = git.refs(repository.path, "refs/" + call.args["ref"])
    return [ref_shape(call.world, repository, *row) for row in call.page(found)]


@route("POST", "/repos/{owner}/{repo}/git/refs")
def create_ref(call: Call) -> Any:
    repository = call.repository("contents:write", "write")
    ref, sha = call.text("ref", required=True) or "", call.text("sha", required=True) or ""
    if not ref.startswith("refs/") or ref.count("/") < 2:
        raise unprocessable("Reference name must start with 'refs/' and contain at least two slashes.")
    if not well_formed(ref):
        raise unprocessable(f"{ref} is not a valid ref name.")
    if not git.SHA.fullmatch(sha):
        raise schema("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    if not git.refs(repository.path, ""):
        raise Refusal(409, "Git Repository is empty.")
    if git.ref_sha(repository.path, ref):
        raise unprocessable("Reference already exists")
    kind = git.object_type(repository.path, sha)
    if kind is None or (ref.startswith("refs/heads/") and kind != "commit"):
        raise unprocessable("Object does not exist")
    guard_workflows(call.actor, repository, sha)
    try:
        git.update_ref(repository.path, ref, sha, git.ZERO)
    except git.GitError as error:
        raise unprocessable("Reference update failed") from error
    moved(call.world, repository, call.account, [(ref, git.ZERO, sha)])
    call.note("ref", ref, repository, what="created", sha=sha)
    return 201, ref_shape(call.world, repository, ref, kind, sha)


@route("PATCH", "/repos/{owner}/{repo}/git/refs/{ref+}")
def change_ref(call: Call) -> Any:
    repository = call.repository("contents:write", "write")
    ref = "refs/" + call.args["ref"]
    sha = call.text("sha", required=True) or ""
    before = git.ref_sha(repository.path, ref)
    if before is None:
        raise unprocessable("Reference does not exist")
    kind = git.object_type(repository.path, sha)
    if kind is None or (ref.startswith("refs/heads/") and kind != "commit"):
        raise unprocessable("Object does not exist")
    if not call.body.get("force", False) and not git.is_ancestor(repository.path, before, sha):
        raise unprocessable("Update is not a fast forward")
    guard_workflows(call.actor, repository, sha)
    git.update_ref(repository.path, ref, sha, before)
    moved(call.world, repository, call.account, [(ref, before, sha)])
    call.note("ref", ref, repository, what="moved", sha=sha)
    return ref_shape(call.world, repository, ref, kind, sha)


@route("DELETE", "/repos/{owner}/{repo}/git/refs/{ref+}")
def delete_ref(call: Call) -> Any:
    repository = call.repository("contents:write", "write")
    ref = "refs/" + call.args["ref"]
    before = git.ref_sha(repository.path, ref)
    if before is None:
        raise unprocessable("Reference does not exist")
    if ref == f"refs/heads/{repository.default_branch}":
        raise unprocessable("Cannot delete the default branch")
    git.update_ref(repository.path, ref, git.ZERO, before)
    moved(call.world, repository, call.account, [(ref, before, git.ZERO)])
    call.note("ref", ref, repository, what="deleted")
    return 204, None


def moved(world: World, repository: Repository, actor: Account, changes: list[Change]) -> None:
    """All that follows when refs have moved: push events, check suites, pull requests kept in step."""
    from local.github.check_suites import open_suites
    from local.github.merging import follow_branch

    repository.pushed_at = world.now()
    for ref, before, after in changes:
        if before == after:
            continue
        emit(world, "push", repository, actor, _push(world, repository, actor, ref, before, after))
        branch = re.sub(r"^refs/heads/", "", ref)
        if branch == ref:
            continue
        if after != git.ZERO:
            open_suites(world, repository, actor, branch, after)
        follow_branch(world, repository, actor, branch, before, after)


def _push(world: World, repository: Repository, actor: Account, ref: str, before: str, after: str) -> dict[str, Any]:
    from local.github.commits import push_commit_shape

    path = repository.path
    created, deleted = before == git.ZERO, after == git.ZERO
    shas: list[str] = []
    if not deleted:
        shas = git.commits_between(path, before, after) if not created else []
        if created:
            others = [name for name, _, _ in git.refs(path, "refs/heads/") if name != ref]
            shas = (git.ask(path, "rev-list", "--reverse", "--max-count=20", after, "--not", *others) or "").split()
    commits = [push_commit_shape(world, repository, sha) for sha in shas[-20:]]
    head = None if deleted or git.object_type(path, after) != "commit" else push_commit_shape(world, repository, after)
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": created,
        "deleted": deleted,
        "forced": not created and not deleted and not git.is_ancestor(path, before, after),
        "base_ref": None,
        "compare": f"{world.url}/{repository.full_name}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": head,
        "pusher": {"name": actor.login, "email": actor.email},
    }
