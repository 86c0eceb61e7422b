"""What the webhook door needs of the table: one commit, without botocore. It shares all but the wire with `store.py`."""

from __future__ import annotations

from collections.abc import Sequence

from shared.aws import transaction
from shared.aws.items import key_item, record_of
from shared.aws.signed import Service
from shared.domain.record import Change, Key, Record
from shared.ports import Clock, Page


class DoorStore:
    """The `Store` of a door: it commits and gets. A door queries nothing, and nothing is due for it."""

    def __init__(self, table: str, service: Service, clock: Clock) -> None:
        self._table = table
        self._service = service
        self._clock = clock

    def get(self, key: Key) -> Record | None:
        """Raises Rejected, NoAnswer."""
        request = {"TableName": self._table, "Key": key_item(key), "ConsistentRead": True}
        answer = self._service.call("GetItem", request)
        return record_of(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        raise NotImplementedError("a door queries nothing")

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        raise NotImplementedError("nothing is due for a door")

    def commit(self, *changes: Change, token: str | None = None) -> None:
        """As every store's."""
        transaction.commit(
            lambda request: self._service.call("TransactWriteItems", request), self._table, self._clock, changes, token
        )
