"""The ports that the handlers work with, built once a process for the world that `PERSEVERE_WORLD` names.

This module alone may name a world, and only inside functions, so that a handler's cold start loads none that it does
not use.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.github_webhook.webhook import Door
    from functions.tokens.mint import Mint
    from shared.domain.operator import Operator
    from shared.llm.models import Models
    from shared.ports import Blobs, Clock, Deliveries, Ids, Planner, Store, Tasks, Tokens


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
    webhook_secrets: Sequence[bytes]
    ticket_keys: Sequence[bytes]
    marker_keys: Sequence[bytes]
    github_url: str
    api_url: str
    app_id: int
    write_pace_s: float


_lock = threading.Lock()
_current: World | None = None
_lent = False
"""Whether a host or a test has given this process a world: then no other one is built here, by whoever is late, of
whatever home the environment names."""


def world() -> World:
    """This process's world. Raises NotConfigured where a setting is missing, the world is not to be had, or the host of
    this process has left.
    """
    global _current  # noqa: PLW0603 - what a container builds once and every invocation uses
    with _lock:
        if _current is None:
            _refuse_the_late()
            _current = _build()
        return _current


def asking_world() -> World:
    """`world()` with the models, for the two functions that ask some. No other has their keys, or loads their clients."""
    global _current  # noqa: PLW0603
    here = world()
    if not _on_aws() or here.models.any:
        return here
    from dataclasses import replace

    from functions.aws.models import models
    from functions.aws.settings import settings

    with _lock:
        _current = replace(here, models=models(settings()))
        return _current


def use(one: World | None) -> None:
    """Set this process's world: a host or a test has built it. None forgets it, and there is none until the next one."""
    global _current, _lent
    with _lock:
        _current, _lent = one, True


def _refuse_the_late() -> None:
    if _lent:
        from shared.errors import NotConfigured

        raise NotConfigured("the host of this process has left", "start it again")


_door: Door | None = None


def door() -> Door:
    """What the webhook door needs, without the rest of the world: its cold start answers people.

    Where this process has a world already (a host, a test) the door is a part of it.
    """
    global _door  # noqa: PLW0603
    one = _current
    if one is not None:
        from functions.github_webhook.webhook import Door

        return Door(one.clock, one.ids, one.store, one.webhook_secrets, one.app_id, one.operator.command)
    _refuse_the_late()
    if _door is None:
        if _on_aws():
            from functions.aws.door import build_door
        else:
            from local.door import build_door

        _door = build_door()
    return _door


def mint() -> Mint:
    """What the tokens functions need: the App's key, and which purposes are theirs. On one machine: all of them."""
    if _current is None and _on_aws():
        from functions.aws.minting import current_mint

        return current_mint()
    from functions.tokens.mint import Mint
    from shared.github.purposes import READING, WRITING

    return Mint(world().tokens, READING | WRITING, world().deliveries)


def _on_aws() -> bool:
    import os

    return os.environ.get("PERSEVERE_WORLD") == "aws"


def _build() -> World:
    import os

    if _on_aws():
        from functions.aws.world import build as build_on_aws

        return build_on_aws()

    from local.world import build
    from shared import settings

    return build(settings.read(os.environ))
