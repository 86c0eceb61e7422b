"""Secrets, read once a container and kept for five minutes, so that a rotated one is known without a new deployment.

Standard library only: the door uses it. What is read is a JSON text; a list has the newest value first.
"""

from __future__ import annotations

import json
import time
from typing import Any

from shared.aws.signed import Service
from shared.aws.transaction import NoAnswer, Rejected
from shared.errors import NotConfigured, Retryable

KEPT_S = 300.0


class SecretValues:
    """Secrets Manager, as this function's role may read it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: dict[str, tuple[float, Any]] = {}

    def read(self, arn: str) -> Any:
        """The secret's JSON. An old value serves while Secrets Manager is away.

        Raises NotConfigured when there is none, or it is no JSON; Retryable while it cannot be had.
        """
        kept = self._kept.get(arn)
        if kept is not None and time.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        try:
            value = self._fetch(arn)
        except Retryable:
            if kept is None:
                raise
            value = kept[1]
        self._kept[arn] = (time.monotonic(), value)
        return value

    def _fetch(self, arn: str) -> Any:
        name = arn.rpartition(":")[2]
        try:
            text = self._service.call("GetSecretValue", {"SecretId": arn})["SecretString"]
            return json.loads(text)
        except NoAnswer as error:
            raise Retryable(f"the secret {name} could not be read: {error}") from error
        except Rejected as error:
            if error.code in ("ResourceNotFoundException", "AccessDeniedException", "InvalidRequestException"):
                raise NotConfigured(f"the secret {name}: {error.code}", "run `persevere doctor`") from error
            raise Retryable(f"the secret {name} could not be read: {error.code}") from error
        except (KeyError, ValueError) as error:
            raise NotConfigured(f"the secret {name} is no JSON", "run `persevere init` again") from error


def as_list(value: Any, what: str) -> tuple[bytes, ...]:
    """A JSON list of texts, newest first. Raises NotConfigured for anything else, and for an empty one."""
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise NotConfigured(f"{what} is no JSON list of texts", "run `persevere doctor`")
    return tuple(each.encode() for each in value)
