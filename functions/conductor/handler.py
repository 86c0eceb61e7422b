"""Bell for inbounds: a stream event of keys. What it names is read again from the table; nothing is raised for one."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.conductor.conduct import Conductor
from functions.world import World, world
from shared.github.client import GitHubs
from shared.github.wire import Wire
from shared.logs import logger_of
from shared.metrics import metrics_of

logger = logger_of("conductor")
metrics = metrics_of("conductor")


def conductor_of(here: World) -> Conductor:
    """A conductor on this process's ports."""
    github = GitHubs(Wire(here.clock, here.api_url, timeout_s=5), here.tokens, here.clock, here.store)
    return Conductor(
        here.store,
        here.blobs,
        here.clock,
        here.ids,
        here.operator,
        github,
        logger.info,
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Conduct every issue that the batch names. A fault on one issue is logged and does not stop the others."""
    conductor = conductor_of(world())
    handled = faults = 0
    for pk in dict.fromkeys(record["dynamodb"]["Keys"]["pk"]["S"] for record in event.get("Records", ())):
        if not pk.startswith("ISSUE#"):
            continue
        try:
            handled += conductor.conduct(pk)
        except Exception:  # the bell is rung again by the watchdog; one issue's fault must not block the batch
            faults += 1
            logger.exception("conductor.fault", extra={"pk": pk})
    if faults:
        metrics.add_metric(name="ConductorFaults", unit=MetricUnit.Count, value=faults)
        metrics.flush_metrics()
    return {"handled": handled, "batchItemFailures": []}
