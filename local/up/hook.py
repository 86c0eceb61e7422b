"""The App's webhook while `up` has a public address: pointed at it, and put back when leaving.

GitHub lets an App change the address and the secret of its hook, and not whether it is active
(docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app): an App that was made without an address
has it switched off until its owner ticks "Active" on its page. Until something comes by it, GitHub is asked as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.keyring import AppFile, write_private
from local.setup.manifest import NO_ADDRESS, WEBHOOK_PATH
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire

BEFORE = "hook-before.json"


class Hook:
    """Of one App. What it was before is kept in the home, so that a start after a crash can put it back."""

    def __init__(self, home: Path, wire: Wire, tokens: AppTokens, app: AppFile) -> None:
        self._before = home / BEFORE
        self._wire = wire
        self._tokens = tokens
        self._secret = app.webhook_secret

    def address(self) -> str:
        """Where GitHub would send to. Raises Refusal, Retryable."""
        return str(self._ask("GET").get("url") or "")

    def point_at(self, public_url: str) -> None:
        """Raises Refusal, Retryable."""
        wanted = f"{public_url}{WEBHOOK_PATH}"
        if not self._before.exists():
            before = self.address()
            write_private(self._before, json.dumps({"url": before if before != wanted else NO_ADDRESS}).encode())
        self._ask("PATCH", {"url": wanted, "content_type": "json", "secret": self._secret})

    def put_back(self) -> bool:
        """Whether there was something to put back. Raises Refusal, Retryable; it is tried again at the next start."""
        if not self._before.exists():
            return False
        url = str(json.loads(self._before.read_bytes())["url"]) or NO_ADDRESS
        self._ask("PATCH", {"url": url, "content_type": "json", "secret": self._secret})
        self._before.unlink()
        return True

    def _ask(self, method: str, body: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = self._wire.send(method, "/app/hook/config", self._tokens.app_jwt(), json=body).body
        return found
