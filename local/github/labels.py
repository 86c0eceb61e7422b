"""Labels of a repository and of its issues."""

from typing import Any
from urllib.parse import quote

from local.github.call import Call, route
from local.github.issue_state import Label
from local.github.refusals import invalid, not_found
from local.github.state import Repository, World, node_id


def label_shape(world: World, repository: Repository, label: Label) -> dict[str, Any]:
    return {
        "id": label.id,
        "node_id": label.node_id,
        "url": f"{world.url}/repos/{repository.full_name}/labels/{quote(label.name)}",
        "name": label.name,
        "color": label.color,
        "default": False,
        "description": label.description,
        "archived_at": None,
        "archived_by": None,
    }


def find_or_make(
    world: World, repository: Repository, name: str, color: str = "ededed", description: str | None = None
) -> Label:
    """A label by name, letter case aside; adding an unknown one to an issue makes it."""
    if not name.strip():
        raise invalid("Label", field="name", code="missing_field")
    found = repository.labels.get(name.lower())
    if found is None:
        number = world.next_id("label")
        found = Label(number, node_id("label", number), name, color, description)
        repository.labels[name.lower()] = found
        world.nodes[found.node_id] = found
    return found


@route("GET", "/repos/{owner}/{repo}/labels")
def list_labels(call: Call) -> Any:
    repository = call.repository("issues:read|pull_requests:read")
    return [label_shape(call.world, repository, label) for label in call.page(list(repository.labels.values()))]


@route("POST", "/repos/{owner}/{repo}/labels")
def create_label(call: Call) -> Any:
    repository = call.repository("issues:write|pull_requests:write", "write")
    name = call.text("name", required=True) or ""
    if name.lower() in repository.labels:
        raise invalid("Label", field="name", code="already_exists")
    color = call.text("color") or "ededed"
    label = find_or_make(call.world, repository, name, color, call.text("description"))
    call.note("label", label.name, repository, what="created")
    return 201, label_shape(call.world, repository, label)


@route("GET", "/repos/{owner}/{repo}/labels/{name}")
def get_label(call: Call) -> Any:
    repository = call.repository("issues:read|pull_requests:read")
    label = repository.labels.get(call.args["name"].lower())
    if label is None:
        raise not_found()
    return label_shape(call.world, repository, label)


@route("GET", "/repos/{owner}/{repo}/issues/{number}/labels")
def list_issue_labels(call: Call) -> Any:
    from local.github.issues import find_issue

    issue = find_issue(call)
    return [label_shape(call.world, issue.repository, label) for label in call.page(issue.labels)]


def _wanted(call: Call, repository: Repository) -> list[Label]:
    """Labels of the body: `{"labels": […]}`, of names or objects with a name."""
    names = call.body.get("labels")
    if not isinstance(names, list):
        raise invalid("Label", field="labels", code="invalid")
    texts = [str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in names]
    return [find_or_make(call.world, repository, text) for text in texts]


@route("POST", "/repos/{owner}/{repo}/issues/{number}/labels")
def add_labels(call: Call) -> Any:
    from local.github.issues import find_issue, set_labels

    issue = find_issue(call, "write", "triage")
    set_labels(call, issue, [*issue.labels, *_wanted(call, issue.repository)])
    call.note("labels", issue.number, issue.repository, what="added")
    return [label_shape(call.world, issue.repository, label) for label in issue.labels]


@route("PUT", "/repos/{owner}/{repo}/issues/{number}/labels")
def replace_labels(call: Call) -> Any:
    from local.github.issues import find_issue, set_labels

    issue = find_issue(call, "write", "triage")
    set_labels(call, issue, _wanted(call, issue.repository))
    call.note("labels", issue.number, issue.repository, what="replaced")
    return [label_shape(call.world, issue.repository, label) for label in issue.labels]


@route("DELETE", "/repos/{owner}/{repo}/issues/{number}/labels/{name}")
def remove_label(call: Call) -> Any:
    from local.github.issues import find_issue, set_labels

    issue = find_issue(call, "write", "triage")
    kept = [label for label in issue.labels if label.name.lower() != call.args["name"].lower()]
    if len(kept) == len(issue.labels):
        from local.github.refusals import Refusal

        raise Refusal(404, "Label does not exist")
    set_labels(call, issue, kept)
    call.note("labels", issue.number, issue.repository, what="removed")
    return [label_shape(call.world, issue.repository, label) for label in issue.labels]
