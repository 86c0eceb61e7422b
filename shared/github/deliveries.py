"""The App's own delivery log: what GitHub could not hand over to our door, and the payloads of that.

docs.github.com/rest/apps/webhooks; deliveries are kept for three days, newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.limits import PAGE_MAX

PAGES_MAX = 20


class AppDeliveries:
    """Asked with the App's JWT."""

    def __init__(self, wire: Wire, tokens: AppTokens) -> None:
        self._wire = wire
        self._tokens = tokens

    def failed(self, since: int) -> list[Mapping[str, Any]]:
        """Deliveries since then (UTC ms) of whose GUID no attempt succeeded, the newest attempt of each, newest first:
        {id, guid, event, delivered_at, delivered_at_ms}. Raises Refusal, Retryable.
        """
        newest: dict[str, Mapping[str, Any]] = {}
        heard: set[str] = set()
        for row in self._since(since):
            guid = str(row["guid"])
            if 200 <= int(row.get("status_code") or 0) < 400:
                heard.add(guid)
            else:
                newest.setdefault(guid, row)
        return [row for guid, row in newest.items() if guid not in heard]

    def payload(self, delivery_id: int) -> Mapping[str, Any]:
        """The payload of one delivery. Raises Refusal, Retryable."""
        body = self._wire.send("GET", f"/app/hook/deliveries/{delivery_id}", self._tokens.app_jwt()).body
        payload: Mapping[str, Any] = body["request"]["payload"]
        return payload

    def _since(self, since: int) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        query: Mapping[str, Any] | None = {"per_page": PAGE_MAX}
        for _ in range(PAGES_MAX):
            answer = self._wire.send("GET", "/app/hook/deliveries", self._tokens.app_jwt(), params=query)
            rows = [{**row, "delivered_at_ms": _milliseconds(str(row["delivered_at"]))} for row in answer.body]
            fresh = [row for row in rows if row["delivered_at_ms"] >= since]
            found += fresh
            query = answer.next
            if query is None or len(fresh) < len(rows):
                break
        return found


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
