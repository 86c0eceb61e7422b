"""Repositories: read, list, change."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.shapes import permissions_of, repository_shape
from local.github.state import Repository


def seen_by(call: Call, repository: Repository) -> dict[str, Any]:
    """A repository with what the caller may do there."""
    shape = repository_shape(call.world, repository)
    match call.actor:
        case access.Person(account=account):
            shape["permissions"] = permissions_of(repository, account)
        case access.AppHere() as here:
            push = access.has_permission(here, repository, "contents:write")
            shape["permissions"] = {"admin": False, "maintain": False, "push": push, "triage": False, "pull": True}
    return shape


@route("GET", "/repos/{owner}/{repo}")
def get_repository(call: Call) -> Any:
    repository = call.repository()
    return {**seen_by(call, repository), "network_count": 0, "subscribers_count": len(repository.watchers)}


@route("PATCH", "/repos/{owner}/{repo}")
def change_repository(call: Call) -> Any:
    """Switches that an administrator has: archived, has_issues, private, description, default_branch, name."""
    repository = call.repository("administration:write", "admin", archived_ok=True)
    for name in ("archived", "has_issues", "private", "description", "default_branch"):
        if name in call.body:
            setattr(repository, name, call.body[name])
    if renamed := call.text("name"):
        call.world.rename(repository, renamed)
    repository.updated_at = call.world.now()
    call.note("repository", repository.id, repository, what="changed")
    return seen_by(call, repository)


@route("GET", "/installation/repositories")
def installation_repositories(call: Call) -> Any:
    """What the installation token reaches."""
    if not isinstance(call.actor, access.AppHere):
        from local.github.refusals import Refusal

        raise Refusal(403, "You must authenticate with an installation access token in order to list repositories.")
    token = call.actor.token
    reached = [one for one in call.world.repositories.values() if access.token_covers(token, one)]
    listed = [seen_by(call, one) for one in call.page(reached)]
    selection = token.installation.selection if token.repository_ids is None else "selected"
    return {"total_count": len(reached), "repository_selection": selection, "repositories": listed}
