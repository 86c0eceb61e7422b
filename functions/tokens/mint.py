"""What can be asked of the App's key: a token for one purpose and repository, and what GitHub could not deliver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.github.purposes import permissions_of
from shared.ports import Deliveries, Token, TokenRefused, Tokens


@dataclass(frozen=True)
class Mint:
    """`purposes` are those that this function may mint for; `deliveries` is None where it may not look at them."""

    tokens: Tokens
    purposes: frozenset[str]
    deliveries: Deliveries | None = None

    def token(self, purpose: str, installation_id: int, repository_id: int, *, drop: bool = False) -> Token:
        """`drop`: GitHub did not take the last one. Raises TokenRefused, Retryable, KeyError for no purpose of ours."""
        permissions_of(purpose)
        if purpose not in self.purposes:
            raise TokenRefused(f"this function mints nothing for {purpose}", "ask the other one of the two")
        if drop:
            self.tokens.drop(self.tokens.token(purpose, installation_id, repository_id))
        return self.tokens.token(purpose, installation_id, repository_id)

    def delivered(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """{since} -> {rows}; {id} -> {payload}. The App's own token, which could do all, never leaves this function."""
        if self.deliveries is None:
            raise TokenRefused("this function does not look at deliveries", "ask the other one of the two")
        if "id" in wish:
            return {"payload": self.deliveries.payload(int(wish["id"]))}
        return {"rows": self.deliveries.failed(int(wish["since"]))}
