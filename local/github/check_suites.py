"""Check suites: one for each App and commit, made by a push or by the first run."""

from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.check_state import CheckSuite
from local.github.refusals import Refusal, not_found
from local.github.shapes import app_shape, repository_shape
from local.github.state import Account, App, Repository, World, iso, node_id
from local.github.webhooks import emit


def suite_shape(world: World, suite: CheckSuite, *, short: bool = False) -> dict[str, Any]:
    """A check suite; `short` is the form inside a check run of REST."""
    if short:
        return {"id": suite.id}
    repository = suite.repository
    url = f"{world.url}/repos/{repository.full_name}/check-suites/{suite.id}"
    return {
        "id": suite.id,
        "node_id": suite.node_id,
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": suite.status,
        "conclusion": suite.conclusion,
        "url": url,
        "before": None,
        "after": suite.head_sha,
        "pull_requests": pulls_at(world, repository, suite.head_sha),
        "app": app_shape(world, suite.app),
        "created_at": iso(suite.created_at),
        "updated_at": iso(suite.updated_at),
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(suite.latest),
        "check_runs_url": f"{url}/check-runs",
        "head_commit": _head(repository, suite.head_sha),
    }


def _head(repository: Repository, sha: str) -> dict[str, Any]:
    commit = git.read_commit(repository.path, sha)
    people = {
        role: {"name": person.name, "email": person.email}
        for role, person in (("author", commit.author), ("committer", commit.committer))
    }
    return {"id": sha, "tree_id": commit.tree, "message": commit.message, "timestamp": commit.committer.at, **people}


def _whole(world: World, suite: CheckSuite) -> dict[str, Any]:
    """A suite as REST gives it on its own: with its repository."""
    return {**suite_shape(world, suite), "repository": repository_shape(world, suite.repository)}


def pulls_at(world: World, repository: Repository, sha: str) -> list[dict[str, Any]]:
    """The open pull requests with this head, in the short form that checks have."""
    found = []
    api = f"{world.url}/repos/{repository.full_name}"
    repo = {"id": repository.id, "url": api, "name": repository.name}
    for issue in repository.issues.values():
        pull = issue.pull
        if pull and issue.state == "open" and pull.head_sha == sha:
            found.append({
                "url": f"{api}/pulls/{issue.number}",
                "id": pull.id,
                "number": issue.number,
                "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": repo},
                "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": repo},
            })  # fmt: skip
    return found


def find_or_open(world: World, repository: Repository, app: App, sha: str, branch: str | None) -> CheckSuite:
    """The suite of this App on this commit, made if there is none."""
    for suite in repository.check_suites.values():
        if suite.app is app and suite.head_sha == sha:
            return suite
    number, now = world.next_id("check_suite"), world.now()
    suite = CheckSuite(number, node_id("check_suite", number), repository, app, sha, branch, now, now)
    repository.check_suites[number] = suite
    world.nodes[suite.node_id] = suite
    return suite


def announce_suite(world: World, suite: CheckSuite, action: str, sender: Account) -> None:
    payload = {"action": action, "check_suite": suite_shape(world, suite)}
    emit(world, "check_suite", suite.repository, sender, payload, only=suite.app)


def open_suites(world: World, repository: Repository, actor: Account, branch: str, sha: str) -> None:
    """What a push does: every App that writes checks gets a suite and `check_suite.requested`, unless it opted out."""
    for installation in world.installations_on(repository):
        app = installation.app
        if installation.permissions.get("checks") != "write" or not repository.auto_trigger.get(app.id, True):
            continue
        known = any(one.app is app and one.head_sha == sha for one in repository.check_suites.values())
        suite = find_or_open(world, repository, app, sha, branch)
        if not known:
            announce_suite(world, suite, "requested", actor)


@route("GET", "/repos/{owner}/{repo}/check-suites/{id}")
def get_suite(call: Call) -> Any:
    return _whole(call.world, _find(call))


def _find(call: Call, level: str = "read", role: str = "read") -> CheckSuite:
    repository = call.repository(f"checks:{level}", role)
    key = call.args["id"]
    suite = repository.check_suites.get(int(key)) if key.isdigit() else None
    if suite is None:
        raise not_found()
    return suite


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}/check-suites")
def list_suites(call: Call) -> Any:
    from local.github.commits import find_commit

    repository = call.repository("checks:read")
    sha = find_commit(repository, call.args["ref"])
    app_id = call.query.get("app_id")
    found = [
        one
        for one in repository.check_suites.values()
        if one.head_sha == sha and (not app_id or str(one.app.id) == app_id)
    ]
    return {"total_count": len(found), "check_suites": [_whole(call.world, one) for one in call.page(found)]}


@route("PATCH", "/repos/{owner}/{repo}/check-suites/preferences")
def set_preferences(call: Call) -> Any:
    """`auto_trigger_checks: [{app_id, setting}]`: whether a push makes suites for an App."""
    repository = call.repository("checks:write", "admin")
    for one in call.body.get("auto_trigger_checks") or []:
        repository.auto_trigger[int(one["app_id"])] = bool(one["setting"])
    call.note("check_preferences", repository.id, repository, what="changed")
    triggers = [{"app_id": number, "setting": on} for number, on in repository.auto_trigger.items()]
    return {"preferences": {"auto_trigger_checks": triggers}, "repository": repository_shape(call.world, repository)}


@route("POST", "/repos/{owner}/{repo}/check-suites")
def create_suite(call: Call) -> Any:
    repository = call.repository("checks:write")
    if call.via_app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    sha = call.text("head_sha", required=True) or ""
    if git.object_type(repository.path, sha) != "commit":
        raise Refusal(422, f"No commit found for SHA: {sha}")
    before = len(repository.check_suites)
    suite = find_or_open(call.world, repository, call.via_app, sha, None)
    call.note("check_suite", suite.id, repository, what="created")
    return (201 if len(repository.check_suites) > before else 200), _whole(call.world, suite)


@route("POST", "/repos/{owner}/{repo}/check-suites/{id}/rerequest")
def rerequest_suite(call: Call) -> Any:
    suite = _find(call, "write", "write")
    call.note("check_suite", suite.id, suite.repository, what="rerequested")
    announce_suite(call.world, suite, "rerequested", call.account)
    return 201, {}
