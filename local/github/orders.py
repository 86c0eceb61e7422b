"""`/_sim/…`, the other half: order trouble, move the clock, read the ground truth."""

import base64
from dataclasses import asdict
from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.faults import Fault
from local.github.refusals import Refusal, not_found, unprocessable
from local.github.webhooks import delivery_shape


@route("POST", "/_sim/faults")
def order_fault(call: Call) -> Any:
    """See `faults.Fault` for the fields; faults act in the order in which they were made."""
    try:
        fault = Fault(**call.body)
    except TypeError as error:
        raise unprocessable(str(error)) from error
    call.world.faults.append(fault)
    return 201, asdict(fault)


@route("GET", "/_sim/faults")
def list_faults(call: Call) -> Any:
    return [asdict(fault) for fault in call.world.faults]


@route("DELETE", "/_sim/faults")
def clear_faults(call: Call) -> Any:
    call.world.faults.clear()
    return 204, None


@route("GET", "/_sim/settings")
def get_settings(call: Call) -> Any:
    return asdict(call.world.settings)


@route("PATCH", "/_sim/settings")
def change_settings(call: Call) -> Any:
    """See `state.Settings`: lag_s{comments, issues, pulls, check_runs, review_comments}, flicker_s, content_limits …"""
    for name, value in call.body.items():
        if not hasattr(call.world.settings, name):
            raise unprocessable(f"no setting named {name}")
        setattr(call.world.settings, name, value)
    return asdict(call.world.settings)


@route("PATCH", "/_sim/webhooks")
def change_webhooks(call: Call) -> Any:
    """See `webhooks.Trouble`: hold, lose, duplicate, delay_s, order, timeout_s."""
    return asdict(call.world.courier.configure(**call.body))


@route("GET", "/_sim/deliveries")
def all_deliveries(call: Call) -> Any:
    """Every attempt, oldest first, with its payload."""
    return [delivery_shape(one, full=True) for one in call.world.courier.deliveries]


@route("POST", "/_sim/clock")
def move_clock(call: Call) -> Any:
    """`{advance_s}` adds to GitHub's clock, `{offset_s}` sets it against this machine's; `{stands_at}` (epoch seconds)
    lets no time pass by itself."""
    if "stands_at" in call.body:
        call.world.clock_stands_at, call.world.clock_offset = float(call.body["stands_at"]), 0.0
    if "offset_s" in call.body:
        call.world.clock_offset = float(call.body["offset_s"])
    call.world.clock_offset += float(call.body.get("advance_s", 0))
    return {"now": call.world.now(), "offset_s": call.world.clock_offset}


@route("GET", "/_sim/clock")
def read_clock(call: Call) -> Any:
    return {"now": call.world.now(), "offset_s": call.world.clock_offset}


@route("GET", "/_sim/log")
def read_log(call: Call) -> Any:
    """Every write that landed, in order; `since` (n), `kind`, `actor`, `notifying=true` filter."""
    query, rows = call.query, call.world.log
    rows = [row for row in rows if row["n"] > int(query.get("since", 0))]
    for name in ("kind", "actor", "repository"):
        if query.get(name):
            rows = [row for row in rows if row[name] == query[name]]
    return [row for row in rows if row["notifying"]] if query.get("notifying") else rows


@route("GET", "/_sim/refusals")
def read_refusals(call: Call) -> Any:
    """Every request that was refused, in order: {at, actor, app, method, path, status, message}; `part` of a path filters."""
    part = call.query.get("part") or ""
    return [row for row in call.world.refused if part in row["path"]]


@route("GET", "/_sim/notifications")
def read_notifications(call: Call) -> Any:
    """What people would have been told, in order; `login` for one person's."""
    login = (call.query.get("login") or "").lower()
    return [row for row in call.world.notifications if login in ("", row["login"].lower())]


@route("GET", "/_sim/limits")
def read_limits(call: Call) -> Any:
    """Content-making writes of each actor in the last minute and hour."""
    now = call.world.now()
    return {
        actor: {"minute": sum(1 for at in made if at > now - 60), "hour": sum(1 for at in made if at > now - 3600)}
        for actor, made in call.world.content_writes.items()
    }


@route("GET", "/_sim/git/{owner}/{repo}/files")
def read_files(call: Call) -> Any:
    """Files at `ref` (default branch unless told): path → `{mode, base64}`."""
    repository = call.world.repository(call.args["owner"], call.args["repo"])
    if repository is None:
        raise not_found()
    ref = call.query.get("ref") or repository.default_branch
    sha = git.resolve(repository.path, ref)
    if sha is None:
        raise Refusal(404, f"no commit {ref}")
    entries = [one for one in git.list_tree(repository.path, sha, recursive=True) if one.type == "blob"]
    return {
        one.path: {"mode": one.mode, "base64": base64.b64encode(git.read_blob(repository.path, one.sha)).decode()}
        for one in entries
    }
