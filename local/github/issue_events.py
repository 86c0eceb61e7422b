"""What happened to issues and pull requests, with who did it: the list that GitHub keeps of a repository."""

from typing import Any

from local.github.call import Call, route
from local.github.issue_state import Happened, Issue
from local.github.issues import find_issue, issue_shape
from local.github.labels import label_shape
from local.github.shapes import maybe_app, user_shape
from local.github.state import World, iso


def event_shape(world: World, one: Happened, *, whole: bool) -> dict[str, Any]:
    """An issue event; `whole` adds the issue, as the repository's list has it."""
    repository = one.issue.repository
    shape: dict[str, Any] = {
        "id": one.id,
        "node_id": f"IE_{one.id}",
        "url": f"{world.url}/repos/{repository.full_name}/issues/events/{one.id}",
        "actor": user_shape(world, one.actor),
        "event": one.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": iso(one.at),
        "performed_via_github_app": maybe_app(world, one.via_app),
    }
    if one.label is not None:
        shape["label"] = {key: label_shape(world, repository, one.label)[key] for key in ("name", "color")}
    if whole:
        shape["issue"] = issue_shape(world, one.issue)
    return shape


def _shown(call: Call, happened: list[Happened]) -> list[Happened]:
    return [one for one in happened if not call.lagging("issue_events", one.at)]


@route("GET", "/repos/{owner}/{repo}/issues/events")
def list_repository_events(call: Call) -> Any:
    """Newest first; pages, and no `since`."""
    repository = call.repository("issues:read|pull_requests:read")
    found = _shown(call, repository.happened)[::-1]
    return [event_shape(call.world, one, whole=True) for one in call.page(found)]


@route("GET", "/repos/{owner}/{repo}/issues/{number}/events")
def list_issue_events(call: Call) -> Any:
    """Oldest first."""
    issue: Issue = find_issue(call)
    found = [one for one in _shown(call, issue.repository.happened) if one.issue is issue]
    return [event_shape(call.world, one, whole=False) for one in call.page(found)]
