"""Where our App is installed: accounts, what they granted, and the repositories that it may see.

docs.github.com/rest/apps/apps and docs.github.com/rest/apps/installations
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.people import Repository
from shared.github.answers import Refusal
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.limits import PAGE_MAX
from shared.ports import TokenRefused

PAGES_MAX = 50


@dataclass(frozen=True, slots=True)
class Installation:
    """The App at one account. `page` is where its owner changes it; `since` (UTC, ISO 8601) when it was installed."""

    id: int
    account: str
    account_type: str
    page: str
    since: str
    suspended: bool = False
    permissions: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A repository of an installation."""

    installation: Installation
    repository: Repository


class Installations:
    """Asked with the App's JWT, and for repositories with a token that sees their names alone."""

    def __init__(self, wire: Wire, tokens: AppTokens) -> None:
        self._wire = wire
        self._tokens = tokens

    def app(self) -> Mapping[str, Any]:
        """The App as GitHub knows it. Raises Refusal (BadCredentials where the key does not fit), Retryable."""
        found: Mapping[str, Any] = self._wire.send("GET", "/app", self._tokens.app_jwt()).body
        return found

    def all(self) -> list[Installation]:
        """Every installation, suspended ones too. Raises Refusal, Retryable."""
        return [_installation(raw) for raw in self._pages("/app/installations", self._tokens.app_jwt)]

    def places(self) -> list[Place]:
        """Every repository of every installation that is not suspended. Raises Refusal, Retryable, TokenRefused."""
        found: list[Place] = []
        for installation in self.all():
            if not installation.suspended:
                found += [Place(installation, repository) for repository in self.repositories(installation)]
        return found

    def reachable(self) -> tuple[list[Place], dict[str, str]]:
        """The places of every installation that lets us in, and why the others (by account) do not. Raises Retryable,
        and Refusal where it is the App itself that is refused.
        """
        found: list[Place] = []
        refused: dict[str, str] = {}
        for installation in self.all():
            if installation.suspended:
                refused[installation.account] = f"the App is suspended there; {installation.page} has the button"
                continue
            try:
                found += [Place(installation, repository) for repository in self.repositories(installation)]
            except (Refusal, TokenRefused) as error:
                refused[installation.account] = str(error)
        return found, refused

    def repositories(self, installation: Installation) -> list[Repository]:
        """What that installation lets us see. Raises Refusal, Retryable, TokenRefused."""
        token = self._tokens.listing(installation.id)
        return [
            Repository(
                id=raw["id"],
                full_name=raw["full_name"],
                private=bool(raw.get("private")),
                default_branch=str(raw.get("default_branch") or "main"),
            )
            for raw in self._pages("/installation/repositories", lambda: token.value, items="repositories")
            if not raw.get("archived")
        ]

    def _pages(self, path: str, bearer: Any, *, items: str = "") -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        query: Mapping[str, Any] | None = {"per_page": PAGE_MAX}
        for _ in range(PAGES_MAX):
            answer = self._wire.send("GET", path, bearer(), params=query)
            found += answer.body[items] if items else answer.body
            query = answer.next
            if query is None:
                break
        return found


def _installation(raw: Mapping[str, Any]) -> Installation:
    account = raw.get("account") or {}
    return Installation(
        id=raw["id"],
        account=str(account.get("login", "")),
        account_type=str(account.get("type", "User")),
        page=str(raw.get("html_url", "")),
        since=str(raw.get("created_at", "")),
        suspended=raw.get("suspended_at") is not None,
        permissions=dict(raw.get("permissions") or {}),
        events=tuple(raw.get("events") or ()),
    )
