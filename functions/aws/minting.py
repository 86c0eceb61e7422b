"""What the two tokens functions work with: the App's key, which nobody else reads."""

from __future__ import annotations

import os

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


def build_mint() -> Mint:
    """`PERSEVERE_PURPOSES` says which half this function mints. Raises NotConfigured, Retryable."""
    half = wanted("PERSEVERE_PURPOSES")
    if half not in ("read", "write"):
        raise NotConfigured(f"PERSEVERE_PURPOSES is {half!r}", "it is `read` or `write`; run `persevere deploy`")
    app = secret_values().read(wanted("PERSEVERE_APP_SECRET"))
    if not isinstance(app, dict) or not app.get("private_key"):
        raise NotConfigured("the secret of the App holds no private key", "run `persevere init --aws`")
    chosen, clock = settings(), SystemClock()
    wire = Wire(clock, os.environ.get("PERSEVERE_GITHUB_API_URL") or chosen.github_api_url)
    tokens = AppTokens(
        wire, clock, SystemIds(), str(app.get("id") or wanted("PERSEVERE_APP_ID")), str(app["private_key"])
    )
    deliveries = AppDeliveries(wire, tokens) if half == "read" else None
    return Mint(tokens, READING if half == "read" else WRITING, deliveries)
