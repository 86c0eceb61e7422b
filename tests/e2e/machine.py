"""What a command that a test starts is told of this machine: neither Persevere's settings nor a key of a model's provider.

A key in the environment would have it ask a real model; and where a whole product runs in this process, keys that stand for
its secrets are in ours.
"""

from __future__ import annotations

import os

from shared.settings import without_keys
from tests.e2e.watch import PROVIDER_KEYS


def machine() -> dict[str, str]:
    return {
        name: value
        for name, value in without_keys(os.environ).items()
        if not name.startswith("PERSEVERE_") and name not in PROVIDER_KEYS
    }
