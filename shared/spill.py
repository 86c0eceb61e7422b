"""Long texts live in blobs: what a record holds instead of a text over 16 KB or a body over 100 KB.

The stand-in is `{blob, sha256, bytes, head, of}`: the blob's key, what it must be, the first characters for people who
look at the table, and whether the blob is a `text` or the `json` of a larger part. `unpack(pack(record))` is the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from shared.domain.record import Change, Key, Put, Record
from shared.errors import Retryable
from shared.ports import BlobDamaged, Blobs, OutcomeUnknown, Page, Store

TEXT_MAX_BYTES = 16 * 1024
BODY_MAX_BYTES = 100 * 1024
HEAD_CHARS = 200
COMMIT_TRIES = 3

_KEYS = frozenset({"blob", "sha256", "bytes", "head", "of"})


def pack(record: Record, blobs: Blobs, scope: str) -> Record:
    """The record as it may be stored. Blobs are written first, so the record never names a missing one.

    `scope` is `<repository id>/<job or issue>`.
    """
    body = {key: _pack(value, blobs, scope) for key, value in record.body.items()}
    text = _json(body)
    if len(text.encode()) > BODY_MAX_BYTES or _is_stand_in(body):
        body = _stand_in(text, "json", blobs, scope)
    return record if body == record.body else replace(record, body=body)


def unpack(record: Record, blobs: Blobs) -> Record:
    """The record as it was before `pack`. Raises BlobMissing and BlobDamaged."""
    body = _unpack(record.body, blobs)
    return record if body is record.body else replace(record, body=body)


def _pack(value: Any, blobs: Blobs, scope: str) -> Any:
    match value:
        case str():
            # A character is at most four bytes: most texts need not be encoded to be known as short.
            if len(value) * 4 <= TEXT_MAX_BYTES or len(value.encode()) <= TEXT_MAX_BYTES:
                return value
            return _stand_in(value, "text", blobs, scope)
        case dict():
            packed = {key: _pack(each, blobs, scope) for key, each in value.items()}
            # What merely looks like a stand-in is stored away, so that reading never takes it for one.
            return _stand_in(_json(packed), "json", blobs, scope) if _is_stand_in(value) else packed
        case list() | tuple():
            return [_pack(each, blobs, scope) for each in value]
        case _:
            return value


def _unpack(value: Any, blobs: Blobs) -> Any:
    match value:
        case dict() if _is_stand_in(value):
            text = _fetch(value, blobs)
            return text if value["of"] == "text" else _unpack_inside(json.loads(text), blobs)
        case dict():
            return _unpack_inside(value, blobs)
        case list():
            unpacked = [_unpack(each, blobs) for each in value]
            return unpacked if any(new is not old for new, old in zip(unpacked, value, strict=True)) else value
        case _:
            return value


def _unpack_inside(value: dict[str, Any], blobs: Blobs) -> dict[str, Any]:
    """The parts of a dictionary that is itself no stand-in, whatever it looks like."""
    unpacked = {key: _unpack(each, blobs) for key, each in value.items()}
    return unpacked if any(unpacked[key] is not value[key] for key in value) else value


def _is_stand_in(value: dict[str, Any]) -> bool:
    return value.keys() == _KEYS and value["of"] in ("text", "json")


def _stand_in(text: str, of: str, blobs: Blobs, scope: str) -> dict[str, Any]:
    data = text.encode()
    return {
        "blob": blobs.put(scope, data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "head": text[:HEAD_CHARS],
        "of": of,
    }


def _fetch(stand_in: dict[str, Any], blobs: Blobs) -> str:
    data = blobs.get(stand_in["blob"])
    if len(data) != stand_in["bytes"] or hashlib.sha256(data).hexdigest() != stand_in["sha256"]:
        raise BlobDamaged(f"the blob {stand_in['blob']} is not what its record says")
    return data.decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class SpillingStore:
    """A `Store` whose records are packed on their way in and unpacked on their way out, for one blob scope.

    A commit of which nobody knows whether it landed is repeated with the same token.
    """

    def __init__(self, store: Store, blobs: Blobs, scope: str, token: Callable[[], str]) -> None:
        self._store, self._blobs, self._scope, self._token = store, blobs, scope, token

    def get(self, key: Key) -> Record | None:
        """Raises BlobMissing and BlobDamaged beside what a store raises."""
        record = self._store.get(key)
        return None if record is None else unpack(record, self._blobs)

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        page = self._store.query(pk, prefix, after, limit)
        return Page(tuple(unpack(record, self._blobs) for record in page.records), page.after)

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        return self._store.due(before, limit)

    def commit(self, *changes: Change, token: str | None = None) -> None:
        """Raises Conflict, TooBig; Retryable when after three tries nobody knows whether it landed."""
        token = token or self._token()
        packed = [
            replace(change, record=pack(change.record, self._blobs, self._scope)) if isinstance(change, Put) else change
            for change in changes
        ]
        unknown: OutcomeUnknown | None = None
        for _ in range(COMMIT_TRIES):
            try:
                return self._store.commit(*packed, token=token)
            except OutcomeUnknown as error:
                unknown = error
        raise Retryable(f"it is not known whether a commit landed: {unknown}")
