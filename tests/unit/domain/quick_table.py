"""The in-memory table, quick enough for thousands of turns."""

from __future__ import annotations

from shared.domain.record import Key, Record
from shared.ports import Page
from tests.fakes.memory_store import MemoryStore


class Table(MemoryStore):
    """Without copies on reading: nobody here changes a body in place, and thousands of turns are read."""

    def get(self, key: Key) -> Record | None:
        return self.items.get(key)

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        found = sorted(key for key in self.items if key.pk == pk and key.sk.startswith(prefix))
        return Page(tuple(self.items[key] for key in found))
