"""Rings a handler for the store's changes, as a Lambda event source mapping would: in order, at least once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from local.lambda_context import LambdaContext
from local.stream import Batch, Stream
from local.worker import Worker

IDLE_S = 0.02
"""How long nobody looks when there was nothing: the table is a local file, a look costs well below a millisecond."""
RETRY_PAUSES_S = (0.2, 1.0, 5.0)
"""Before a batch is tried again. After the last it is passed over: what it rang for is found by its `due`."""

Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(service="host")


class StreamPump(Worker):
    """One consumer on one thread. It asks for the handler once, when it starts."""

    def __init__(self, stream: Stream, handler: Handler, timeout_s: float) -> None:
        super().__init__(f"pump-{stream.reader}")
        self.name = stream.reader
        self._stream = stream
        self._handler = handler
        self._timeout_s = timeout_s

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                batch = self._stream.next()
                if batch is None:
                    self._over.wait(IDLE_S)
                elif self._ring(batch):
                    self._stream.done(batch)
            except Exception:  # the database was locked or full: the cursor stands where it stood
                logger.exception("stream.unreadable", reader=self.name)
                self._over.wait(1.0)

    def _ring(self, batch: Batch) -> bool:
        """Whether the batch is dealt with. Leaving comes first: a batch that failed is kept for the next start."""
        for pause in (*RETRY_PAUSES_S, None):
            try:
                self._handler(batch.event, LambdaContext(self.name, self._timeout_s))
            except Exception:
                logger.exception("stream.handler_failed", reader=self.name, records=len(batch.event["Records"]))
                if pause is not None and self._over.wait(pause):
                    return False
            else:
                return True
        logger.error("stream.batch_passed_over", reader=self.name, last=batch.last)
        return True
