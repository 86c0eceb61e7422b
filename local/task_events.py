"""Tells the watchdog which tasks have ended, as EventBridge does for ECS, so that nobody waits for a dead runner's lease."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from local.clockwork import TIMEOUT_S, Clockwork, Handler
from local.lambda_context import LambdaContext
from local.tasks import SubprocessTasks
from shared.ports import Task

EVERY_S = 0.25
TRIES = 40  # a task may be gone before it is written down that it was started

logger = Logger(service="host")


class TaskEvents(Clockwork):
    """Looks at the tasks of this machine at each tick. Each end is told until it is known, and at least once; what is not
    told when it has to stop is told by the next host.
    """

    def __init__(
        self, tasks: SubprocessTasks, handler: Handler, now: Callable[[], int], every_s: float = EVERY_S
    ) -> None:
        super().__init__(handler, now, every_s)
        self._tasks = tasks
        self._known: set[str] = set()
        self._tries: dict[str, int] = {}

    def tick(self) -> None:
        for task in self._tasks.ended(self._known):
            if self._over.is_set():
                return
            self._tell(task)

    def _tell(self, task: Task) -> None:
        tries = self._tries[task.id] = self._tries.get(task.id, 0) + 1
        try:
            known = self._handler(stopped_event(task), LambdaContext("watchdog", TIMEOUT_S))["known"]
        except Exception:  # the next look tells it again
            logger.exception("task_event.failed", task=task.id)
            known = False
        if known or tries >= TRIES:
            self._known.add(task.id)
            self._tries.pop(task.id)


def stopped_event(task: Task) -> dict[str, Any]:
    """What EventBridge sends when a task has stopped, as far as anybody here reads it:
    docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "000000000000",
        "region": "local",
        "resources": [task.id],
        "detail": {
            "taskArn": task.id,
            "startedBy": task.started_by,
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stoppedReason": f"the machine ended: {task.reason}",
            "containers": [],
        },
    }
