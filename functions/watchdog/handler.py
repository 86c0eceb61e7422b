"""The clock's door, every minute on AWS and every second on one machine; and that of tasks which ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.watchdog.ended import DETAIL_TYPE, task_ended
from functions.watchdog.missed import sweep
from functions.watchdog.ring import ring_due
from functions.world import door, world
from shared.errors import PersevereError
from shared.logs import logger_of
from shared.metrics import metrics_of

logger = logger_of("watchdog")
metrics = metrics_of("watchdog")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Ring for everything due, and fetch what GitHub could not deliver; or tell of the one task that ended."""
    here = world()
    if event.get("detail-type") == DETAIL_TYPE:
        told = task_ended(here.store, here.clock, here.ids, event)
        logger.info("watchdog.task_ended", extra={"job": event["detail"].get("startedBy"), "told": told})
        return {"rung": int(told == "told"), "known": int(told != "not ours")}
    rung = ring_due(here.store, here.blobs, here.clock, here.ids, here.tasks)
    missed = 0
    try:
        missed = sweep(door(), here.deliveries)
    except PersevereError as error:  # GitHub is away: the next minute looks again
        rung.troubles.append(f"deliveries: {type(error).__name__}")
    if rung.anything or missed:
        logger.info(
            "watchdog.rang",
            extra={
                "deadlines": rung.deadlines,
                "leases": rung.leases,
                "tasks": rung.tasks,
                "inbounds": rung.inbounds,
                "effects": rung.effects,
                "holds": rung.holds,
                "missed": missed,
                "troubles": rung.troubles[:5],
            },
        )
    if missed:
        metrics.add_metric(name="DeliveriesMissed", unit=MetricUnit.Count, value=missed)
        metrics.flush_metrics()
    return {"rung": rung.deadlines + rung.leases + rung.tasks + rung.inbounds + rung.effects, "missed": missed}
