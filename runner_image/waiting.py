"""Waits for the control plane so that an order to leave is obeyed at once, whatever the network does.

What is waited for runs in a thread of its own and is left behind when we leave: no time-out of a socket bounds a request
whose answer trickles, or an upload that goes on slowly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from runner_image.endings import unreachable
from runner_image.job import Job
from runner_image.orders import Orders

Value = TypeVar("Value")


def wait_for(job: Job, name: str, work: Callable[[], Value]) -> Value:
    """What `work` returns or raises, within the job's time. Raises Ending."""
    with job.orders.inbox() as inbox:
        _begin(name, work, inbox)
        while True:
            try:
                answer = inbox.get(timeout=max(job.seconds_left, 0.0))
                break
            except Empty:
                job.check_time()  # nothing is raised where the clock stood still meanwhile
    job.orders.check()
    result: Value = _value(answer)
    return result


def see_through(orders: Orders, name: str, work: Callable[[], Value]) -> Value:
    """What `work` returns or raises, however little of the job's time is left: storing what was done is what the rest is
    kept for. Raises Ending when told to leave.
    """
    with orders.inbox() as inbox:
        _begin(name, work, inbox)
        answer = inbox.get()
    orders.check()
    result: Value = _value(answer)
    return result


def before_the_end(orders: Orders, name: str, work: Callable[[], Value], seconds: float) -> Value:
    """What `work` returns or raises, for whoever is leaving already: waited for until so long after a signal, should one
    come or have come. Raises Leave (unreachable) then.
    """
    with orders.inbox(leaving=True) as inbox:
        _begin(name, work, inbox)
        while True:
            signalled = orders.signalled_at
            left = None if signalled is None else max(signalled + seconds - time.monotonic(), 0.0)
            try:
                if (answer := inbox.get(timeout=left)) is not None:
                    result: Value = _value(answer)
                    return result
            except Empty:
                raise unreachable(f"{name}: not done {seconds:.0f} s after the signal") from None


def _begin(name: str, work: Callable[[], Any], inbox: SimpleQueue[Any]) -> None:
    def do() -> None:
        try:
            inbox.put((True, work()))
        except Exception as error:  # noqa: BLE001  # handed over to the thread that waits
            inbox.put((False, error))

    threading.Thread(target=do, name=name, daemon=True).start()


def _value(answer: tuple[bool, Any]) -> Any:
    done, value = answer
    if not done:
        raise value
    return value
