"""The only function that reads the App's key: a purpose and a repository in, a short token out."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from functions.world import world
from shared.errors import Retryable
from shared.ports import TokenRefused

logger = Logger(service="tokens")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """{purpose, installation_id, repository_id} -> {token, expires}, {refused, advice} or {busy, after_s}.

    `drop`: GitHub did not take the last one, so it is forgotten first. Raises KeyError for an unknown purpose, ValueError
    for ids that are none.
    """
    purpose = str(event["purpose"])
    installation_id, repository_id = int(event["installation_id"]), int(event["repository_id"])
    told = {"purpose": purpose, "installation": installation_id, "repository": repository_id}
    tokens = world().tokens
    try:
        if event.get("drop"):
            tokens.drop(tokens.token(purpose, installation_id, repository_id))
        token = tokens.token(purpose, installation_id, repository_id)
    except TokenRefused as error:
        logger.warning("token.refused", extra=told)
        return {"refused": str(error), "advice": error.advice}
    except Retryable as error:
        logger.warning("token.busy", extra=told)
        return {"busy": str(error), "after_s": error.after_s}
    logger.info("token.minted", extra=told)
    return {"token": token.value, "expires": token.expires}
