"""The `Planner` on one machine: the planner's handler on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from local.lambda_context import LambdaContext

TIMEOUT_S = 900.0  # the longest that a function may run on AWS Lambda
# Lambda tries an asynchronous call that raised twice more (docs.aws.amazon.com/lambda/latest/dg/invocation-async.html),
# after one and two minutes; here nobody else is waited for.
RETRY_PAUSES_S = (1.0, 5.0)

Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(service="planner")


class ThreadPlanner:
    """Starts the handler as an asynchronous invocation would: at once, alone, its answer thrown away, twice more when
    it raises. What never answers is found by the deadline of who waits for it.
    """

    def __init__(self, find_handler: Callable[[], Handler]) -> None:
        """`find_handler` is called on the thread, so that making a world does not load the planner."""
        self._find_handler = find_handler
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, issue_pk: str, effect: str) -> None:
        """Idempotent by `effect`: the handler claims it before it works."""
        event = {"issue": issue_pk, "effect": effect}
        thread = threading.Thread(target=self._run, args=(event,), name=f"planner-{effect}", daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def join(self, seconds: float) -> None:
        """Wait for those at work, each at most so long."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(seconds)

    def _run(self, event: dict[str, Any]) -> None:
        for pause in (*RETRY_PAUSES_S, None):
            try:
                self._find_handler()(event, LambdaContext("planner", TIMEOUT_S))
            except Exception:
                logger.exception(
                    "planner.failed", issue=event["issue"], effect=event["effect"], again=pause is not None
                )
                time.sleep(pause or 0)
            else:
                return
