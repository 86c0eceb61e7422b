"""The only functions that read the App's key, deployed twice: `read` and `write` (PERSEVERE_PURPOSES)."""

from __future__ import annotations

from typing import Any

from functions.world import mint
from shared.errors import Retryable
from shared.logs import logger_of
from shared.ports import TokenRefused

logger = logger_of("tokens")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """{purpose, installation_id, repository_id} -> {token, expires}; {deliveries: {since | id}} -> {rows} | {payload}.

    Else {refused, advice} or {busy, after_s}. `drop`: GitHub did not take the last token, so it is forgotten first.
    Raises KeyError for an unknown purpose, ValueError for ids that are none.
    """
    told: dict[str, object] = {
        name: event[name] for name in ("purpose", "installation_id", "repository_id") if name in event
    }
    try:
        if "deliveries" in event:
            return mint().delivered(event["deliveries"])
        who = str(event["purpose"]), int(event["installation_id"]), int(event["repository_id"])
        token = mint().token(*who, drop=bool(event.get("drop")))
    except TokenRefused as error:
        logger.warning("token.refused", extra=told)
        return {"refused": str(error), "advice": error.advice}
    except Retryable as error:
        logger.warning("token.busy", extra=told)
        return {"busy": str(error), "after_s": error.after_s}
    logger.info("token.minted", extra=told)
    return {"token": token.value, "expires": token.expires}
