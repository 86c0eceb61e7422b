"""Started on its own by an effect: talks to a model for interview and spec, answers with one inbound."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions.planner.plan import plan
from functions.world import asking_world

logger = Logger(service="planner")


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """`event` is {issue: partition key, effect: id}. A fault of ours is raised: an asynchronous call is tried again."""
    outcome = plan(asking_world(), str(event["issue"]), str(event["effect"]))
    logger.info("planner.done", extra={"pk": event["issue"], "effect": event["effect"], "outcome": outcome})
    return {"outcome": outcome}
