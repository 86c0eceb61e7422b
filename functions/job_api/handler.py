"""The runners' door: a Function URL. Claims, heartbeats, steps, blobs, evidence, last words."""

from __future__ import annotations

import json
from typing import Any

from functions.job_api.door import answer
from functions.world import asking_world
from shared.logs import logger_of

logger = logger_of("job_api")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One request in, one answer out. Raises nothing: a fault of ours is a 503 that the runner tries again."""
    try:
        answered = answer(event, asking_world())
    except Exception as error:  # the runner must hear something that it can act on
        logger.exception("job_api.failed", extra={"error": type(error).__name__})
        body = {"code": "busy", "message": "a fault in the control plane", "retry_after_s": 5.0}
        return _response(503, body)
    facts = dict(answered.facts)
    logger.info(str(facts.pop("event", "job_api.answered")), extra={**facts, "status": answered.status})
    return _response(answered.status, dict(answered.body))


def _response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    if body.get("retry_after_s") is not None and status >= 400:
        headers["retry-after"] = str(max(1, round(body["retry_after_s"])))
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
