"""Started on its own by an effect: talks to a model for interview and spec, answers with one inbound."""

from __future__ import annotations

from typing import Any

from functions.planner.plan import plan
from functions.world import asking_world
from shared.logs import logger_of

logger = logger_of("planner")


class Failed(Exception):
    """To be tried again; the text is the fault's name."""


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """`event` is {issue: partition key, effect: id}. A fault of ours is raised: an asynchronous call is tried again.

    Raises Failed, without the words of what went wrong: what is raised goes to the log as it is.
    """
    try:
        outcome = plan(asking_world(), str(event["issue"]), str(event["effect"]))
    except Exception as error:
        logger.exception("planner.failed", extra={"pk": event["issue"], "effect": event["effect"]})
        raise Failed(type(error).__name__) from None
    logger.info("planner.done", extra={"pk": event["issue"], "effect": event["effect"], "outcome": outcome})
    return {"outcome": outcome}
