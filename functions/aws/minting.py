"""What the two tokens functions work with: the App's key, which nobody else reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from functions.aws.settings import settings
from functions.aws.surroundings import secret_values, wanted
from functions.tokens.mint import Mint
from shared.clock import SystemClock
from shared.errors import NotConfigured
from shared.github.app_tokens import AppTokens
from shared.github.deliveries import AppDeliveries
from shared.github.purposes import READING, WRITING
from shared.github.wire import Wire
from shared.ids import SystemIds

_kept: tuple[str, Mint] | None = None


def current_mint() -> Mint:
    """The mint of the key that is in the secret now: a container may outlive a key by hours. Raises as `_mint_of`."""
    global _kept  # noqa: PLW0603 - what a container builds once for as long as the key is the same
    app = secret_values().read(wanted("PERSEVERE_APP_SECRET"))
    if not isinstance(app, dict) or not app.get("private_key"):
        raise NotConfigured("the secret of the App holds no private key", "run `persevere init --aws`")
    key = str(app["private_key"])
    if _kept is None or _kept[0] != key:
        _kept = key, _mint_of(app)
    return _kept[1]


def _mint_of(app: Mapping[str, Any]) -> Mint:
    """`PERSEVERE_PURPOSES` says which half this function mints. Raises NotConfigured."""
    half = wanted("PERSEVERE_PURPOSES")
    if half not in ("read", "write"):
        raise NotConfigured(f"PERSEVERE_PURPOSES is {half!r}", "it is `read` or `write`; run `persevere deploy`")
    chosen, clock = settings(), SystemClock()
    wire = Wire(clock, os.environ.get("PERSEVERE_GITHUB_API_URL") or chosen.github_api_url)
    tokens = AppTokens(
        wire, clock, SystemIds(), str(app.get("id") or wanted("PERSEVERE_APP_ID")), str(app["private_key"])
    )
    deliveries = AppDeliveries(wire, tokens) if half == "read" else None
    return Mint(tokens, READING if half == "read" else WRITING, deliveries)
