"""The table as a dictionary: the whole `Store` contract, for tests that want speed and a look inside."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import replace

from shared.domain.record import Absent, Anything, AtEpoch, AtVersion, Change, Check, Delete, Expect, Key, Put, Record
from shared.limits import TRANSACTION_TOKEN_S
from shared.ports import Clock, Conflict, Page, check_commit


class MemoryStore:
    """Records by key. `bells` are (event name, key) of every write, as a stream would ring them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, int] = {}
        self.items: dict[Key, Record] = {}
        self.bells: list[tuple[str, Key]] = []

    def get(self, key: Key) -> Record | None:
        with self._lock:
            return copy.deepcopy(self.items.get(key))

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        with self._lock:
            keys = sorted(
                (key for key in self.items if key.pk == pk and key.sk.startswith(prefix) and key.sk > (after or "")),
                key=lambda key: key.sk.encode(),
            )
            page = tuple(copy.deepcopy(self.items[key]) for key in keys[:limit])
        return Page(page, page[-1].key.sk if len(keys) > limit else None)

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        with self._lock:
            found = [(item.due, key) for key, item in self.items.items() if item.due is not None and item.due <= before]
        return [key for _, key in sorted(found)][:limit]

    def commit(self, *changes: Change, token: str | None = None) -> None:
        check_commit(changes)
        now = self._clock.now()
        with self._lock:
            if token is not None and now - self._tokens.get(token, -(10**15)) < TRANSACTION_TOKEN_S * 1000:
                return
            wrong = [
                (index, copy.deepcopy(self.items.get(change.key)))
                for index, change in enumerate(changes)
                if not _holds(change.expect, self.items.get(change.key))
            ]
            if wrong:
                raise Conflict(wrong)
            for change in changes:
                self._apply(change)
            if token is not None:
                self._tokens[token] = now

    def _apply(self, change: Change) -> None:
        old = self.items.get(change.key)
        match change:
            case Put(record=record):
                version = (old.version if old else 0) + 1
                self.items[change.key] = copy.deepcopy(replace(record, version=version))
                self.bells.append(("MODIFY" if old else "INSERT", change.key))
            case Delete():
                if self.items.pop(change.key, None):
                    self.bells.append(("REMOVE", change.key))
            case Check():
                pass


def _holds(expect: Expect, item: Record | None) -> bool:
    match expect:
        case Absent():
            return item is None
        case AtVersion(version=version):
            return item is not None and item.version == version
        case AtEpoch(epoch=epoch):
            return item is not None and item.epoch == epoch
        case Anything():
            return True
