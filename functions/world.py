"""The ports that the handlers work with, built once a process for the world that `PERSEVERE_WORLD` names.

This module alone may name a world, and only inside functions, so that a handler's cold start loads none that it does
not use.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.github_webhook.webhook import Door
    from functions.watchdog.missed import Deliveries
    from shared.domain.operator import Operator
    from shared.llm.models import Models
    from shared.ports import Blobs, Clock, Ids, Planner, Store, Tasks, Tokens


@dataclass(frozen=True)
class World:
    """Everything outside, as ports and plain values.

    `models` finds a model by its name. The three lists of keys are tried in order when something is verified; the
    first one signs. `github_url` is where repositories are cloned from and pages are looked at, `api_url` the root of
    GitHub's REST API. `write_pace_s` is the least pause between two writes to GitHub.
    """

    clock: Clock
    ids: Ids
    store: Store
    blobs: Blobs
    tasks: Tasks
    planner: Planner
    tokens: Tokens
    deliveries: Deliveries
    models: Models
    operator: Operator
    webhook_secrets: tuple[bytes, ...]
    ticket_keys: tuple[bytes, ...]
    marker_keys: tuple[bytes, ...]
    github_url: str
    api_url: str
    app_id: int
    write_pace_s: float


_lock = threading.Lock()
_current: World | None = None


def world() -> World:
    """This process's world. Raises NotConfigured where a setting is missing or the world is not to be had."""
    global _current  # noqa: PLW0603 - what a container builds once and every invocation uses
    with _lock:
        if _current is None:
            _current = _build()
        return _current


def use(one: World | None) -> None:
    """Set this process's world: a host or a test has built it. None forgets it."""
    global _current  # noqa: PLW0603
    with _lock:
        _current = one


_door: Door | None = None


def door() -> Door:
    """What the webhook door needs, without the rest of the world: its cold start answers people.

    Where this process has a world already (a host, a test) the door is a part of it.
    """
    global _door  # noqa: PLW0603
    if _current is not None:
        from functions.github_webhook.webhook import Door

        one = _current
        return Door(one.clock, one.ids, one.store, one.webhook_secrets, one.app_id, one.operator.command)
    if _door is None:
        from local.door import build_door

        _door = build_door()
    return _door


def _build() -> World:
    import os

    from shared import settings
    from shared.errors import NotConfigured

    chosen = settings.read(os.environ)
    match chosen.world:
        case "aws":
            raise NotConfigured(
                "this version has no world on AWS; it comes with a later one", "set PERSEVERE_WORLD to local"
            )
        case "local" | "sim":
            from local.world import build

            return build(chosen)
