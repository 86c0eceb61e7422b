"""Small stateful stand-ins for the other ports: they remember what happened, and tests look at that."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field

from shared.ports import BlobDamaged, BlobMissing, NoCapacity, Task, Token, Upload


@dataclass
class MemoryBlobs:
    """Blobs in a dictionary, addressed and verified like the real ones."""

    data: dict[str, bytes] = field(default_factory=dict)

    def put(self, scope: str, data: bytes) -> str:
        key = f"{scope}/{hashlib.sha256(data).hexdigest()}"
        self.data[key] = data
        return key

    def get(self, key: str) -> bytes:
        if key not in self.data:
            raise BlobMissing(key)
        if hashlib.sha256(self.data[key]).hexdigest() != key.rpartition("/")[2]:
            raise BlobDamaged(key)
        return self.data[key]

    def has(self, key: str) -> bool:
        return key in self.data

    def upload(self, key: str, size: int) -> Upload:
        return Upload(f"memory:{key}", {"content-length": str(size)})

    def download(self, key: str) -> str:
        return f"memory:{key}"


@dataclass
class CountingIds:
    """Ids in order, the same in every run."""

    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def ulid(self, now: int) -> str:
        return f"{now:013d}{next(self.numbers):013d}"

    def job(self, now: int) -> str:
        return f"job{next(self.numbers):07d}"

    def secret(self) -> str:
        return f"{next(self.numbers):043d}"


@dataclass
class Machines:
    """Tasks that start at once, as long as there is capacity. The same client token is the same task."""

    capacity: int = 10
    started: dict[str, Task] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        if client_token not in self.started:
            if len(self.started) >= self.capacity:
                raise NoCapacity("no machine is free")
            self.started[client_token] = Task(client_token, started_by, "running")
        self.tickets[client_token] = ticket
        return self.started[client_token]

    def stop(self, started_by: str, reason: str) -> None:
        for name, task in self.started.items():
            if task.started_by == started_by:
                self.started[name] = Task(task.id, started_by, "stopped", reason)

    def list(self, started_by: str) -> list[Task]:
        return [task for task in self.started.values() if task.started_by == started_by]


@dataclass
class Planned:
    """Remembers which planner runs were started."""

    started: set[tuple[str, str]] = field(default_factory=set)

    def start(self, issue_pk: str, effect: str) -> None:
        self.started.add((issue_pk, effect))


@dataclass
class OneToken:
    """Always the same token; counts how often it was dropped."""

    value: str = "ghs_" + "x" * 40
    dropped: int = 0

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        return Token(self.value, 10**15)

    def drop(self, token: Token) -> None:
        self.dropped += 1
