"""Waits for the control plane so that an order to leave is obeyed at once, whatever the network does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty
from typing import Any, TypeVar

from runner_image.job import Job

Value = TypeVar("Value")


def wait_for(job: Job, name: str, work: Callable[[], Value]) -> Value:
    """What `work` returns or raises; it runs in a thread of its own, and is left behind when we leave. Raises Ending."""
    with job.orders.inbox() as inbox:

        def do() -> None:
            answer: Any
            try:
                answer = True, work()
            except Exception as error:  # noqa: BLE001  # handed over to the thread that waits
                answer = False, error
            inbox.put(answer)

        threading.Thread(target=do, name=name, daemon=True).start()
        while True:
            try:
                answer = inbox.get(timeout=max(job.seconds_left, 0.0))
                break
            except Empty:
                job.check_time()  # nothing is raised where the clock stood still meanwhile
    job.orders.check()
    done, value = answer
    if not done:
        raise value
    result: Value = value
    return result
