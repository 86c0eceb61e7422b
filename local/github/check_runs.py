"""Check runs: what an App says of a commit."""

from datetime import datetime
from typing import Any

from local.github import git
from local.github.access import Person
from local.github.call import Call, route
from local.github.check_state import CheckRun
from local.github.check_suites import find_or_open, pulls_at, suite_shape
from local.github.refusals import Refusal, invalid, not_found, schema
from local.github.shapes import app_shape
from local.github.state import Account, Repository, World, iso, node_id
from local.github.webhooks import emit

TEXT_MAX = 65_535
ANNOTATIONS_MAX = 50
ACTIONS_MAX = 3
ACTION_MAX = {"label": 20, "description": 40, "identifier": 20}
STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
LEVELS = ("notice", "warning", "failure")


def run_shape(world: World, run: CheckRun, *, hook: bool = False) -> dict[str, Any]:
    """A check run, as REST has it; webhooks (`hook`) carry the whole suite."""
    repository = run.repository
    url = f"{world.url}/repos/{repository.full_name}/check-runs/{run.id}"
    page = f"{world.url}/{repository.full_name}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": run.node_id,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": page,
        "details_url": run.details_url or page,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": iso(run.started_at),
        "completed_at": iso(run.completed_at),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": suite_shape(world, run.suite, short=not hook),
        "app": app_shape(world, run.app),
        "pull_requests": pulls_at(world, repository, run.head_sha),
    }


def announce_run(world: World, run: CheckRun, action: str, sender: Account, **more: Any) -> None:
    """`created` and `completed` go to all who listen, the rest to the run's own App."""
    only = run.app if action in ("rerequested", "requested_action") else None
    payload = {"action": action, "check_run": {**run_shape(world, run, hook=True), "actions": run.actions}, **more}
    emit(world, "check_run", run.repository, sender, payload, only=only, named=(("check_run", run.id),))


def _text(output: dict[str, Any], name: str) -> str | None:
    value = output.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise schema(f"For 'properties/{name}', {value!r} is not a string.")
    if len(value) > TEXT_MAX:
        raise schema(f"Only {TEXT_MAX} characters are allowed; {len(value)} were supplied.")
    if len(value.encode("utf-8")) > TEXT_MAX:
        raise invalid("CheckRun", field=name, message=f"{name} exceeds a maximum bytesize of {TEXT_MAX}")
    return value


def _annotation(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise schema("annotations must be an array of objects.")
    for name in ("path", "start_line", "end_line", "annotation_level", "message"):
        if given.get(name) is None:
            raise schema(f'"{name}" wasn\'t supplied.')
    if given["annotation_level"] not in LEVELS:
        raise schema(f"{given['annotation_level']} is not a member of {list(LEVELS)}.")
    for name, most in (("message", 65_536), ("raw_details", 65_536)):
        if len(str(given.get(name) or "").encode("utf-8")) > most:
            raise invalid("CheckRun", field=name, message=f"{name} exceeds a maximum bytesize of {most}")
    if len(str(given.get("title") or "")) > 255:
        raise schema(f"Only 255 characters are allowed; {len(str(given['title']))} were supplied.")
    if given["start_line"] != given["end_line"] and (given.get("start_column") or given.get("end_column")):
        raise invalid(
            "CheckRun", field="annotations", message="columns are allowed only when the annotation is one line"
        )
    optional = ("start_column", "end_column", "title", "raw_details")
    kept = {name: given[name] for name in ("path", "start_line", "end_line", "annotation_level", "message")}
    return {**kept, **{name: given.get(name) for name in optional}}


def _actions(given: Any) -> list[dict[str, str]]:
    if not isinstance(given, list):
        raise schema("actions must be an array.")
    if len(given) > ACTIONS_MAX:
        raise schema(f"No more than {ACTIONS_MAX} items are allowed; {len(given)} were supplied.")
    for action in given:
        for name, most in ACTION_MAX.items():
            if not isinstance(action, dict) or not action.get(name):
                raise schema(f'"{name}" wasn\'t supplied.')
            if len(action[name]) > most:
                raise schema(f"Only {most} characters are allowed; {len(action[name])} were supplied.")
    return [{name: str(action[name]) for name in ACTION_MAX} for action in given]


def _moment(call: Call, name: str) -> float | None:
    text = call.text(name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise schema(f"{text} is not a date-time.") from error


def _checked(call: Call, run: CheckRun | None) -> dict[str, Any]:
    """All of the request that GitHub checks, before anything is changed: the fields to set."""
    body = call.body
    fields: dict[str, Any] = {}
    for name in ("name", "details_url", "external_id"):
        if body.get(name) is not None:
            fields[name] = call.text(name)
    status, conclusion = call.text("status"), call.text("conclusion")
    if status is not None and status not in STATUSES:
        raise schema(f"{status} is not a member of {list(STATUSES)}.")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise schema(f"{conclusion} is not a member of {list(CONCLUSIONS)}.")
    if status == "completed" and conclusion is None and (run is None or run.conclusion is None):
        raise schema('"conclusion" wasn\'t supplied.')
    if conclusion is not None or status == "completed":
        fields |= {"status": "completed", "completed_at": _moment(call, "completed_at") or call.world.now()}
        if conclusion is not None:
            fields["conclusion"] = conclusion
    elif status is not None:
        fields |= {"status": status, "conclusion": None, "completed_at": None}
    if (started := _moment(call, "started_at")) is not None:
        fields["started_at"] = started
    if body.get("actions") is not None:
        fields["actions"] = _actions(body["actions"])
    if body.get("output") is not None:
        fields |= _output(body["output"], run)
    return fields


def _output(output: Any, run: CheckRun | None) -> dict[str, Any]:
    if not isinstance(output, dict):
        raise schema("output must be an object.")
    if output.get("summary") is None:
        raise schema('"summary" wasn\'t supplied.')
    if run is None and output.get("title") is None:
        raise schema('"title" wasn\'t supplied.')
    fields: dict[str, Any] = {name: _text(output, name) for name in ("title", "summary", "text") if name in output}
    annotations = output.get("annotations") or []
    if len(annotations) > ANNOTATIONS_MAX:
        raise schema(f"No more than {ANNOTATIONS_MAX} items are allowed; {len(annotations)} were supplied.")
    # A PATCH adds to the annotations that are there.
    fields["annotations"] = [*(run.annotations if run else []), *(_annotation(one) for one in annotations)]
    fields["images"] = output.get("images") or (run.images if run else [])
    return fields


@route("POST", "/repos/{owner}/{repo}/check-runs")
def create_run(call: Call) -> Any:
    repository = call.repository("checks:write")
    if call.via_app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    name, sha = call.text("name", required=True) or "", call.text("head_sha", required=True) or ""
    fields = _checked(call, None)
    if git.object_type(repository.path, sha) != "commit":
        raise Refusal(422, f"No commit found for SHA: {sha}")
    world = call.world
    number, now = world.next_id("check_run"), world.now()
    suite = find_or_open(world, repository, call.via_app, sha, _branch_at(repository, sha))
    run = CheckRun(number, node_id("check_run", number), repository, call.via_app, suite, name, sha, "queued", now)
    for field, value in fields.items():
        setattr(run, field, value)
    repository.check_runs[number] = run
    suite.runs.append(run)
    suite.updated_at = now
    world.nodes[run.node_id] = run
    call.note("check_run", run.id, repository, what="created", name=name, conclusion=run.conclusion)
    announce_run(world, run, "created", call.account)
    if run.status == "completed":
        announce_run(world, run, "completed", call.account)
    return 201, run_shape(world, run)


def _branch_at(repository: Repository, sha: str) -> str | None:
    return next(
        (n.removeprefix("refs/heads/") for n, _, at in git.refs(repository.path, "refs/heads/") if at == sha), None
    )


def find_run(call: Call, level: str = "read", role: str = "read") -> CheckRun:
    """The check run of the path. Raises 404, 403."""
    repository = call.repository(f"checks:{level}", role)
    key = call.args["id"]
    run = repository.check_runs.get(int(key)) if key.isdigit() else None
    if run is None or call.flickers("check_run", run.id):
        raise not_found()
    return run


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{id}")
def change_run(call: Call) -> Any:
    run = find_run(call, "write")
    if call.via_app is not run.app:
        raise Refusal(403, "Invalid app_id `" + (str(call.via_app.id) if call.via_app else "") + "` - check run can only be modified by the GitHub App that created it.")  # fmt: skip
    fields = _checked(call, run)
    was = run.status
    for field, value in fields.items():
        setattr(run, field, value)
    run.suite.updated_at = call.world.now()
    call.note("check_run", run.id, run.repository, what="changed", name=run.name, conclusion=run.conclusion)
    if run.status == "completed" and was != "completed":
        announce_run(call.world, run, "completed", call.account)
    return run_shape(call.world, run)


@route("GET", "/repos/{owner}/{repo}/check-runs/{id}")
def get_run(call: Call) -> Any:
    return run_shape(call.world, find_run(call))


@route("GET", "/repos/{owner}/{repo}/check-runs/{id}/annotations")
def list_annotations(call: Call) -> Any:
    run = find_run(call)
    url = f"{call.world.url}/{run.repository.full_name}/blob/{run.head_sha}"
    return [{**one, "blob_href": f"{url}/{one['path']}"} for one in call.page(run.annotations)]


def _listed(call: Call, runs: list[CheckRun]) -> Any:
    """Filter by check_name, status, app_id; `filter=latest` (unless told `all`) keeps the newest of each name."""
    query = call.query
    if query.get("filter", "latest") == "latest":
        newest = {(run.app.id, run.name): run for run in sorted(runs, key=lambda run: run.id)}
        runs = list(newest.values())
    found = [
        run
        for run in runs
        if query.get("check_name") in (None, "", run.name)
        and query.get("status") in (None, "", run.status)
        and query.get("app_id") in (None, "", str(run.app.id))
        and not call.lagging("check_runs", run.started_at)
    ]
    found.sort(key=lambda run: run.id, reverse=True)
    return {"total_count": len(found), "check_runs": [run_shape(call.world, run) for run in call.page(found)]}


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}/check-runs")
def list_runs(call: Call) -> Any:
    from local.github.commits import find_commit

    repository = call.repository("checks:read")
    sha = find_commit(repository, call.args["ref"])
    return _listed(call, [run for run in repository.check_runs.values() if run.head_sha == sha])


@route("GET", "/repos/{owner}/{repo}/check-suites/{id}/check-runs")
def list_runs_of_suite(call: Call) -> Any:
    repository = call.repository("checks:read")
    return _listed(call, [run for run in repository.check_runs.values() if str(run.suite.id) == call.args["id"]])


@route("POST", "/repos/{owner}/{repo}/check-runs/{id}/rerequest")
def rerequest_run(call: Call) -> Any:
    """What the "Re-run" button does."""
    run = find_run(call, "write", "write")
    call.note("check_run", run.id, run.repository, what="rerequested")
    announce_run(call.world, run, "rerequested", call.account)
    return 201, {}


@route("POST", "/_web/{owner}/{repo}/check-runs/{id}/actions/{identifier}")
def press(call: Call) -> Any:
    """A person presses a button of a completed run: the web page's doing, not part of GitHub's API."""
    if not isinstance(call.actor, Person):
        raise not_found()
    run = find_run(call)
    identifier = call.args["identifier"]
    if run.status != "completed" or identifier not in [action["identifier"] for action in run.actions]:
        raise not_found()
    call.note("check_run", run.id, run.repository, what="action", identifier=identifier)
    announce_run(call.world, run, "requested_action", call.account, requested_action={"identifier": identifier})
    return 202, {}
