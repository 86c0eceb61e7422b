"""A task ended, says ECS: news where its job still waits for it to begin. A hint only; what is due finds out, too.

Shape: docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html; it may come late, twice or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.watchdog.ring import write_task
from shared.domain import keys
from shared.errors import PersevereError
from shared.ports import Blobs, Conflict, Store
from shared.spill import unpack

DETAIL_TYPE = "ECS Task State Change"


def ring_task(event: Mapping[str, Any], store: Store, blobs: Blobs) -> int:
    """1 when an inbound was written for a launch that ended before its runner claimed the job, else 0."""
    detail = event.get("detail") or {}
    if event.get("detail-type") != DETAIL_TYPE or detail.get("lastStatus") != "STOPPED":
        return 0
    job = str(detail.get("startedBy") or "")
    launch = str(detail.get("group") or "").removeprefix(f"{job}-")
    found = store.get(keys.job_state(job)) if job else None
    if found is None or not launch.isdigit():
        return 0
    body = unpack(found, blobs).body
    if body.get("status") != "launching" or int(body.get("launch", 1)) != int(launch):
        return 0
    issue = store.get(keys.issue_state(str(body["issue"])))
    look = (unpack(issue, blobs).body.get("deadlines") or {}).get("look") if issue is not None else None
    if look is None:
        return 0
    try:
        return write_task(
            store, str(body["issue"]), int(look), job, int(launch), str(detail.get("stoppedReason") or "")
        )
    except (Conflict, PersevereError):
        return 0  # the look at what is due, at that very time, finds the same
