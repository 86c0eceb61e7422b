"""The consumer of new effects: hears which issues have some, and performs those. The stream's records are a bell only."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.effects.attempt import Outside
from functions.effects.engine import Engine
from functions.effects.performers import PERFORMERS
from functions.world import World, world
from shared import limits
from shared.github.client import GitHubs
from shared.github.pacing import Pace
from shared.github.wire import Wire
from shared.logs import logger_of
from shared.metrics import metrics_of

logger = logger_of("effects")
metrics = metrics_of("effects")
_wires: dict[str, Wire] = {}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """DynamoDB stream records in (keys only). Raises nothing for one record; what is left open is rung for again."""
    pks = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event.get("Records", ())]
    made = Engine(outside(world()), PERFORMERS).drain(pks)
    metrics.add_metric(name="EffectAttempts", unit=MetricUnit.Count, value=made)
    metrics.flush_metrics()
    return {"issues": len(set(pks)), "attempts": made, "batchItemFailures": []}


def outside(here: World) -> Outside:
    """This world's ports as effects use them. Connections to GitHub are kept between invocations."""
    wire = _wires.setdefault(here.api_url, Wire(here.clock, here.api_url))
    notifying = here.write_pace_s * limits.NOTIFYING_WRITE_PACE_S / limits.WRITE_PACE_S
    return Outside(
        store=here.store,
        clock=here.clock,
        ids=here.ids,
        blobs=here.blobs,
        tasks=here.tasks,
        planner=here.planner,
        operator=here.operator,
        githubs=GitHubs(wire, here.tokens, here.clock, here.store, Pace(here.write_pace_s, notifying)),
        ticket_keys=here.ticket_keys,
        marker_keys=here.marker_keys,
        app_id=here.app_id,
    )
