"""The stack's secrets as the operator fills them. Nothing here is printed."""

from __future__ import annotations

import secrets as chance
from collections.abc import Mapping
from typing import Any

from local.cloud.installation import AwsRefused, Installation

KEYS = ("ticket", "marker", "blob")
KEPT = 3
"""Of the webhook's secrets: what an older one signed may be delivered late."""


def stored(installation: Installation, output: str) -> Any:
    """The secret's JSON; None where none was ever set. Raises AwsRefused, ValueError."""
    try:
        return installation.secret(output)
    except AwsRefused as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def make_missing_keys(installation: Installation) -> list[str]:
    """Make the lists of keys that are not there, and leave the others; the names of those made."""
    there: Any = stored(installation, "KeysSecretArn") or {}
    missing = [name for name in KEYS if not there.get(name)]
    if missing:
        installation.store_secret("KeysSecretArn", {**there, **{name: [chance.token_urlsafe(32)] for name in missing}})
    return missing


def add_webhook_secret(installation: Installation, value: str) -> None:
    """In front; all before go on verifying, since one of them is what GitHub signs with until it has taken this one."""
    there = [each for each in stored(installation, "WebhookSecretArn") or [] if each != value]
    installation.store_secret("WebhookSecretArn", [value, *there])


def drop_old_webhook_secrets(installation: Installation) -> None:
    """Once GitHub signs with the first one."""
    there = stored(installation, "WebhookSecretArn") or []
    if len(there) > KEPT:
        installation.store_secret("WebhookSecretArn", there[:KEPT])


def store_app(installation: Installation, app: Mapping[str, Any]) -> None:
    """`app`: id, slug, private_key, and what the App's page is found by."""
    installation.store_secret("AppSecretArn", dict(app))


def store_model_keys(installation: Installation, keys: Mapping[str, str]) -> list[str]:
    """Beside those that are there; the providers that have one now."""
    there: Any = stored(installation, "ModelSecretArn") or {}
    merged = {**there, **keys}
    installation.store_secret("ModelSecretArn", merged)
    return sorted(merged)
