"""GitHub's door: a Function URL. Stores what matters and answers; it never acts on GitHub."""

from __future__ import annotations

import json
from typing import Any

from functions.github_webhook.webhook import answer
from functions.world import door
from shared.logs import logger_of

logger = logger_of("github_webhook")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One delivery in, `{status, verdict, reason}` out. Raises nothing: a fault of ours is a 500 that GitHub records."""
    try:
        result = answer(event, door())
    except Exception as error:  # GitHub must see a failed delivery, so that it can be fetched again
        logger.exception("webhook.failed", extra={"error": type(error).__name__})
        return _response(500, {"verdict": "failed", "reason": "a fault in Persevere"})
    logger.info(
        "webhook.answered",
        extra={**result.log, "status": result.status, "verdict": result.verdict, "reason": result.reason},
    )
    return _response(result.status, {"verdict": result.verdict, "reason": result.reason})


def _response(status: int, body: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
