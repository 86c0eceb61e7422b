"""The thread that keeps the lease and brings orders."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from runner_image.api import Api
from runner_image.endings import GiveUp, Leave
from runner_image.log import log
from runner_image.orders import Orders
from shared.domain.protocol import Heartbeat

ANSWER_LEAST_S = 5.0


@dataclass
class Progress:
    """Where the work stands, written by the work and read by the heartbeat."""

    step: int = 0
    doing: str = ""
    began: float = field(default_factory=time.monotonic)
    idle: float = 0.0  # seconds in which no model could be asked: the job's clock stood still

    @property
    def seconds(self) -> float:
        return round(max(0.0, time.monotonic() - self.began - self.idle), 3)

    def idled(self, seconds: float) -> None:
        self.idle += seconds


class Pulse:
    """Beats every `interval` seconds from `start` to `end`. A refusal ends the work through `orders`."""

    def __init__(self, api: Api, orders: Orders, progress: Progress, interval: float) -> None:
        self._api = api
        self._orders = orders
        self._progress = progress
        self._interval = interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """After this no order arrives. Does not wait for a beat that is under way."""
        self._over.set()

    def _beat_on(self) -> None:
        while not self._over.wait(self._interval):
            try:
                self._beat()
            except Leave as leave:
                if self._over.is_set():  # a last word that was taken ends the session: no news to us
                    return
                log("heartbeat.refused", why=str(leave))
                self._orders.abandon(leave)
                return
            except GiveUp as refused:  # not a matter of the lease; the work will meet it itself
                log("heartbeat.unclear", why=refused.summary)

    def _beat(self) -> None:
        progress = self._progress
        beat = Heartbeat(step=progress.step, doing=progress.doing[:200], seconds=progress.seconds)
        # One that hangs is said again: it must not be waited for as long as the lease lasts.
        orders = self._api.beat(beat, max(self._interval, ANSWER_LEAST_S)).orders
        if self._over.is_set():
            return
        if "stop" in orders:
            self._orders.stop("stopped")
        if "wrap_up" in orders:
            self._orders.wrap_up = True
