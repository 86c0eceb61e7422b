"""What a check says, and what checks share: the settings, the App, and GitHub asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from local.clock import SystemClock
from local.ids import SystemIds
from local.keyring import AppFile, Keyring
from local.setup.init import api_of
from local.setup.manifest import settings_url
from shared.github.app_tokens import AppTokens
from shared.github.installations import Installation, Installations
from shared.github.wire import Answer, Wire
from shared.settings import Settings

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is seen, `fix` is what to do about it; every finding that is not ok has one."""

    level: Level
    what: str
    fix: str = ""

    def __post_init__(self) -> None:
        assert self.level == "ok" or self.fix, f"a finding without a fix: {self.what}"


def ok(what: str) -> Finding:
    return Finding("ok", what)


def warn(what: str, fix: str) -> Finding:
    return Finding("warn", what, fix)


def fail(what: str, fix: str) -> Finding:
    return Finding("FAIL", what, fix)


class NotAsked(Exception):
    """A check has nothing to look at, because of what an earlier one found. It says nothing."""


@dataclass
class Context:
    """Everything is asked when a check first wants it, and once."""

    settings: Settings
    environment: Mapping[str, str]
    clock: SystemClock = field(default_factory=SystemClock)

    @cached_property
    def app(self) -> AppFile:
        """Raises NotAsked where there is none, NotConfigured where the file is damaged."""
        if not (self.settings.home / "keys" / "app.json").exists():
            raise NotAsked
        return Keyring(self.settings.home).app()

    @cached_property
    def wire(self) -> Wire:
        return Wire(self.clock, api_of(self.settings))

    @cached_property
    def tokens(self) -> AppTokens:
        return AppTokens(self.wire, self.clock, SystemIds(), str(self.app.id), self.app.private_key)

    @cached_property
    def installations(self) -> Installations:
        return Installations(self.wire, self.tokens)

    @property
    def github(self) -> Answer:
        """GitHub's word to anybody. Raises Refusal, Retryable."""
        return self._heard[0]

    @cached_property
    def _heard(self) -> tuple[Answer, int]:
        """That word, and when it came (UTC ms): other checks may take their time before the clocks are compared."""
        return self.wire.send("GET", "/meta", ""), self.clock.now()

    @cached_property
    def app_there(self) -> Mapping[str, Any]:
        """The App as GitHub knows it. Raises NotAsked where GitHub was not reached or refuses the key."""
        return self._or_not_asked(self.installations.app)

    @cached_property
    def installed(self) -> list[Installation]:
        self.app_there  # noqa: B018 - without it there is nothing to ask
        return self._or_not_asked(self.installations.all)

    @property
    def app_page(self) -> str:
        """Where the App's owner changes it."""
        return settings_url(self.settings.github_url, self.app.owner, self.app.owner_type, self.app.slug)

    @property
    def key_place(self) -> str:
        """Where the App's key lies."""
        return f"{self.settings.home}/keys/app.json"

    @property
    def init(self) -> str:
        """The command that makes an App for here."""
        return "persevere init --local"

    @property
    def on_missed(self) -> str:
        """What becomes of deliveries that GitHub could not hand over, and what to look at."""
        return "`persevere up` fetches them; does the tunnel lead to its port?"

    def skew_s(self) -> float:
        """How far this clock is from GitHub's. Raises as `github`; ValueError where GitHub named no time."""
        there = datetime.strptime(self.github.date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        return self._heard[1] / 1000 - there.timestamp()

    def _or_not_asked(self, ask: Callable[[], Any]) -> Any:
        from shared.errors import PersevereError

        try:
            return ask()
        except PersevereError as error:
            raise NotAsked from error


Found = Finding | Iterable[Finding]
Check = Callable[[Context], Found]


@dataclass(frozen=True, slots=True)
class Named:
    """A check as it is listed. Behind a `gate` that failed there is nothing to look at."""

    name: str
    check: Check
    gate: bool = False
