"""What the outside world looks like to us: small Protocols, and the values that they pass.

Adapters: `local/` (SQLite, files, subprocess, scripted model) and `shared/aws/` (DynamoDB, S3, ECS, Lambda).
Each Protocol has one contract suite in `tests/contract` that every adapter passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.domain.record import Change, Key, Put, Record
from shared.errors import Final, PersevereError

# --- time and chance -------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time that is stored or compared."""

    def now(self) -> int:
        """UTC milliseconds."""

    def wait(self, seconds: float) -> None:
        """Sleep, at most 5 s a call (longer waits are a record's `due`). Raises ValueError above that."""


class Ids(Protocol):
    """The only source of chance."""

    def ulid(self, now: int) -> str:
        """26 characters, ordered by time, unique."""

    def job(self, now: int) -> str:
        """10 lower-case base32 characters, ordered by time."""

    def secret(self) -> str:
        """43 URL-safe characters with 256 bits of chance."""


# --- the table -------------------------------------------------------------------------------------------

MAX_CHANGES = 80
MAX_COMMIT_BYTES = 3_000_000
MAX_ITEM_BYTES = 350_000


class Conflict(PersevereError):
    """Some expectations did not hold. `current` has (index of the change, the record as it is, or None)."""

    def __init__(self, current: Sequence[tuple[int, Record | None]]) -> None:
        super().__init__(f"expectation failed for change {[index for index, _ in current]}")
        self.current = tuple(current)


class TooBig(Final):
    """More changes or bytes than a transaction or an item may hold; nothing was written."""


class OutcomeUnknown(PersevereError):
    """The commit may or may not have landed. Repeat it with the same token within ten minutes, else read again."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records in byte order of their sort keys. `after` is the last sk when there may be more, else None."""

    records: tuple[Record, ...]
    after: str | None = None


class Store(Protocol):
    """The one table. Both reads are strongly consistent."""

    def get(self, key: Key) -> Record | None: ...

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page: ...

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        """Keys whose `due` is at or before that time. May be late and may name what is due no more: read the item."""

    def commit(self, *changes: Change, token: str | None = None) -> None:
        """All or nothing. Raises Conflict, TooBig, OutcomeUnknown. A repeated token within 10 min does nothing."""


def size_of(record: Record) -> int:
    """Bytes of a record as it is stored, close enough to compare with an item limit."""
    return len(json.dumps(record.body, ensure_ascii=False).encode()) + len(record.key.pk) + len(record.key.sk) + 100


def check_commit(changes: Sequence[Change]) -> None:
    """Refuse what any adapter could not write, before any I/O. Raises TooBig or ValueError (a key twice, no change)."""
    if not changes:
        raise ValueError("a commit needs at least one change")
    if len(changes) > MAX_CHANGES:
        raise TooBig(f"{len(changes)} changes in one commit, {MAX_CHANGES} are possible")
    keys = [change.key for change in changes]
    if len(set(keys)) != len(keys):
        raise ValueError("one commit names a key twice")
    sizes = [size_of(change.record) for change in changes if isinstance(change, Put)]
    if sizes and max(sizes) > MAX_ITEM_BYTES:
        raise TooBig(f"an item of {max(sizes)} bytes, {MAX_ITEM_BYTES} are possible")
    if sum(sizes) > MAX_COMMIT_BYTES:
        raise TooBig(f"{sum(sizes)} bytes in one commit, {MAX_COMMIT_BYTES} are possible")


def read_all(store: Store, pk: str, prefix: str) -> Iterator[Record]:
    """Every record of a partition whose sort key has that prefix, page by page."""
    after: str | None = None
    while True:
        page = store.query(pk, prefix, after)
        yield from page.records
        if page.after is None:
            return
        after = page.after


# --- blobs -----------------------------------------------------------------------------------------------


class BlobMissing(Final):
    """No blob has that key."""


class BlobDamaged(Final):
    """The stored bytes do not have the length or checksum that the key promises."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Where and how somebody without rights here may put exactly one blob: an HTTP PUT with these headers."""

    url: str
    headers: Mapping[str, str]


class Blobs(Protocol):
    """Write-once bytes, addressed as `<repository id>/<job or issue>/<sha256>`. Readers verify."""

    def put(self, scope: str, data: bytes) -> str:
        """Store and return the key. `scope` is `<repository id>/<job or issue>`. Putting the same twice is fine."""

    def get(self, key: str) -> bytes:
        """Raises BlobMissing, BlobDamaged."""

    def has(self, key: str) -> bool: ...

    def upload(self, key: str, size: int) -> Upload:
        """A grant for one PUT of exactly these bytes (checksum in the key), good for 15 minutes."""

    def download(self, key: str) -> str:
        """A URL that reads one blob, good for 15 minutes."""


# --- containers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One container (or process). `state`: starting, running, stopped. `reason` says why it stopped."""

    id: str
    started_by: str
    state: str
    reason: str = ""


class NoCapacity(PersevereError):
    """No machine is to be had now; try again later."""


class Tasks(Protocol):
    """Starts runners. They get two environment variables, PERSEVERE_API and PERSEVERE_TICKET, and nothing else."""

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        """Idempotent by `client_token` (`<job>-<launch>`, <= 64 characters). Raises NoCapacity, Final."""

    def stop(self, started_by: str, reason: str) -> None:
        """Ask every task with that name to leave (SIGTERM, then SIGKILL). Not knowing any is fine."""

    def list(self, started_by: str) -> Sequence[Task]:
        """Running and stopped ones (stopped ones for at least an hour)."""


class Planner(Protocol):
    """Starts the planner function on its own; answers come back as an inbound."""

    def start(self, issue_pk: str, effect: str) -> None:
        """Idempotent by `effect`: the planner claims PLAN#<effect> before it works."""


# --- GitHub tokens ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """A short-lived GitHub token for one repository. `expires` in UTC milliseconds. Never printed."""

    value: str
    expires: int

    def __repr__(self) -> str:
        return f"Token(expires={self.expires})"


class TokenRefused(Final):
    """GitHub grants no such token (not installed, suspended, permission missing); `advice` says what to click."""


class Tokens(Protocol):
    """The only way to a GitHub token. Purposes and their permissions are in `shared/github/purposes.py`."""

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        """Raises TokenRefused, Retryable."""

    def drop(self, token: Token) -> None:
        """Forget a token that GitHub no longer takes (401); the next `token` is a new one."""


class Deliveries(Protocol):
    """The App's delivery log, by its own key."""

    def failed(self, since: int) -> list[Mapping[str, Any]]:
        """Deliveries since then (UTC ms) of whose GUID no attempt succeeded: {id, guid, event, delivered_at}."""

    def payload(self, delivery_id: int) -> Mapping[str, Any]:
        """The payload that could not be handed over."""


# --- models ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model wants. `args` is what the model sent; `malformed` holds text that was no JSON object."""

    id: str
    tool: str
    args: Mapping[str, Any]
    malformed: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as billed. `input` is all input; `cached` and `written` are parts of it; `output` includes reasoning.

    `reported` is False where the provider said nothing that can be read: the other numbers are then no bill at all.
    `surcharge` names what made the whole call dearer (`prices.py`); `priced` is False where it was served in a way that
    was not asked for and has no price here (another tier, a longer cache): the numbers hold, their price is not known.
    """

    input: int
    cached: int = 0
    written: int = 0
    output: int = 0
    reported: bool = True
    surcharge: str = ""
    priced: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. `raw` is the provider's own turn, kept verbatim for replay.

    `stop`: end, tools, cut, refused, or garbled (the provider itself could not read it).
    """

    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    stop: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked; pure data, byte-stable. `turns` are {role, ...} as `shared/agent/turns.py` says."""

    model: str
    system: str
    tools: tuple[Mapping[str, Any], ...]
    turns: tuple[Mapping[str, Any], ...]
    max_output: int
    schema: Mapping[str, Any] | None = None
    purpose: str = "build"


class ModelBusy(PersevereError):
    """The provider asks to come back after `after_s` seconds; nothing was billed.

    `cause`: rate (too many requests), overloaded (or not reached at all), spend_cap (no money or quota is left there).
    `long`: waiting minutes will not do.
    """

    def __init__(self, message: str, after_s: float, cause: str = "overloaded", *, long: bool = False) -> None:
        super().__init__(message)
        self.after_s = after_s
        self.cause = cause
        self.long = long


class ModelFailed(Final):
    """The provider will not answer this; nothing was billed.

    `cause`: key, refused, too_long, exhausted, request (it takes ours for wrong), private (its own signed parts), place
    (it does not serve there), or model (unknown or retired).
    """

    def __init__(self, message: str, advice: str = "", cause: str = "model") -> None:
        super().__init__(message, advice)
        self.cause = cause


class Model(Protocol):
    """One provider's model. No retries inside; the gateway does those, visibly and within the budget."""

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        """Calls `alive` while bytes stream. Raises ModelBusy, ModelFailed, Retryable (no answer; may be billed)."""
