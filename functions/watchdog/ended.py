"""A task ended: what ECS says of it through EventBridge becomes an inbound of its issue, at once and not when a lease ends.

docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html. On one machine `local/task_events.py` says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from shared.domain import keys
from shared.domain.record import ABSENT, Put, Record, replace_of
from shared.ports import Clock, Conflict, Ids, Store

DETAIL_TYPE = "ECS Task State Change"

Told = Literal["told", "known", "not ours"]


def task_ended(store: Store, clock: Clock, ids: Ids, event: Mapping[str, Any]) -> Told:
    """`not ours`: no link names that task, or not yet; a launch before the newest is no news to anybody. An event may come
    more than once. The inbound is later than the last word of the task's runner, which is heard first.
    """
    detail = event["detail"]
    job, task = str(detail.get("startedBy") or ""), str(detail.get("taskArn") or "")
    link = store.get(keys.task_link(job)) if job and detail.get("lastStatus") == "STOPPED" else None
    if link is None or link.body.get("task") != task:
        return "not ours"
    if link.body.get("ended"):
        return "known"
    now = clock.now()
    data = {"started_by": job, "state": "stopped", "launch": link.body["launch"], "reason": _why(detail)}
    body = {"kind": "task", "received": now, "data": data}
    inbound = Record(keys.inbound(str(link.body["pk"]), now, ids.ulid(now)), "inbound", body, due=now)
    ended = replace(link, body=link.body | {"ended": True})
    try:
        store.commit(Put(inbound, ABSENT), Put(ended, replace_of(link)))
    except Conflict:
        return "known"  # the same event at once, or another launch, whose end is told by itself
    return "told"


def _why(detail: Mapping[str, Any]) -> str:
    """Exit codes say more than `Essential container in task exited`."""
    codes = [each["exitCode"] for each in detail.get("containers", ()) if each.get("exitCode") is not None]
    said = str(detail.get("stoppedReason") or "the machine went away")
    return f"{said} (exit {codes[0]})" if codes else said
