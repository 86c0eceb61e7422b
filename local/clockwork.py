"""Winds the watchdog: it is called each second, as a schedule would call it each minute."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from local.lambda_context import LambdaContext
from local.worker import Worker

EVERY_S = 1.0
TIMEOUT_S = 60.0

Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(service="host")


class Clockwork(Worker):
    """One thread; a tick that takes longer than a second delays the next, two never run at once."""

    def __init__(self, handler: Handler, now: Callable[[], int], every_s: float = EVERY_S) -> None:
        """`now` in UTC milliseconds."""
        super().__init__("clockwork")
        self._handler = handler
        self._now = now
        self._every_s = every_s

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self.tick()

    def tick(self) -> None:
        """Call the handler, unless it was said to stop."""
        if self._over.is_set():
            return
        try:
            self._handler(scheduled_event(self._now()), LambdaContext("watchdog", TIMEOUT_S))
        except Exception:  # the next tick looks at the same table
            logger.exception("watchdog.failed")


def scheduled_event(now: int) -> dict[str, Any]:
    """What EventBridge sends for a schedule: docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "local",
        "resources": ["arn:aws:events:local:000000000000:rule/watchdog"],
        "detail": {},
    }
