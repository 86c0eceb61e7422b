"""What the simulated GitHub knows: accounts, Apps, repositories, and the one lock around them."""

import base64
import itertools
import os
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.github.check_state import CheckRun, CheckSuite
    from local.github.issue_state import Comment, Happened, Issue, Label
    from local.github.webhooks import Courier

# First number of each kind. Comment, issue and check numbers are past 2^31, as GitHub's have been for years.
FIRST_IDS = {
    "account": 1_024_001,
    "app": 987_001,
    "installation": 61_000_003,
    "repository": 801_000_007,
    "issue": 2_900_000_011,
    "pull": 2_400_000_017,
    "comment": 3_100_000_019,
    "review": 2_700_000_023,
    "review_comment": 2_300_000_029,
    "thread": 2_200_000_031,
    "label": 7_000_000_037,
    "reaction": 410_000_041,
    "check_run": 41_000_000_043,
    "check_suite": 38_000_000_047,
    "delivery": 151_000_000_053,
    "hook": 530_000_059,
    "event": 15_000_000_061,
}

# Node id prefixes, as GitHub's present format has them.
NODE_PREFIXES = {
    "User": "U",
    "Bot": "BOT",
    "Organization": "O",
    "app": "A",
    "installation": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u",
    "repository": "R",
    "issue": "I",
    "pull": "PR",
    "comment": "IC",
    "review": "PRR",
    "review_comment": "PRRC",
    "thread": "PRRT",
    "label": "LA",
    "reaction": "REA",
    "check_run": "CR",
    "check_suite": "CS",
}


def iso(at: float | None) -> str | None:
    """GitHub's time format: UTC, whole seconds, `Z`. `at` in epoch seconds."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    """An opaque global id of the shape that GitHub gives."""
    tail = base64.urlsafe_b64encode(b"\xce\x00" + struct.pack(">Q", number)).decode().rstrip("=")
    return f"{NODE_PREFIXES[kind]}_kwDO{tail}"


@dataclass(eq=False)
class Account:
    """A person, an organisation, or the bot account of an App."""

    id: int
    login: str
    type: str
    node_id: str
    name: str | None = None
    app_id: int | None = None
    site_admin: bool = False
    created_at: float = 0.0

    @property
    def email(self) -> str:
        """The no-reply address that GitHub puts into commits."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(eq=False)
class App:
    """A GitHub App with its key pair and hook."""

    id: int
    slug: str
    name: str
    client_id: str
    node_id: str
    owner: Account
    bot: Account
    public_key: str
    webhook_secret: str
    permissions: dict[str, str]
    events: list[str]
    hook_id: int
    hook_url: str | None = None
    hook_active: bool = True
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(eq=False)
class Installation:
    """An App at an account: all repositories or the selected ones."""

    id: int
    app: App
    account: Account
    selection: str
    repository_ids: set[int]
    permissions: dict[str, str]
    events: list[str]
    node_id: str
    created_at: float
    updated_at: float
    suspended_at: float | None = None


@dataclass(eq=False)
class InstallationToken:
    """A minted token; `repository_ids` is None for all repositories of the installation."""

    token: str
    installation: Installation
    repository_ids: set[int] | None
    permissions: dict[str, str]
    expires_at: float
    revoked: bool = False


@dataclass(eq=False)
class Repository:
    """A repository; its objects live in the bare git repository at `path`."""

    id: int
    owner: Account
    name: str
    node_id: str
    path: Path
    created_at: float
    private: bool = False
    plan: str = "free"
    description: str | None = None
    default_branch: str = "main"
    has_issues: bool = True
    archived: bool = False
    # A GitHub App with `issues: write` is refused on a locked issue unless this is set.
    apps_may_comment_locked: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    custom_roles: dict[str, str] = field(default_factory=dict)
    watchers: set[str] = field(default_factory=set)
    rules: list[dict[str, Any]] = field(default_factory=list)
    issues: dict[int, "Issue"] = field(default_factory=dict)
    labels: dict[str, "Label"] = field(default_factory=dict)
    comments: dict[int, "Comment"] = field(default_factory=dict)
    happened: list["Happened"] = field(default_factory=list)
    check_runs: dict[int, "CheckRun"] = field(default_factory=dict)
    check_suites: dict[int, "CheckSuite"] = field(default_factory=dict)
    auto_trigger: dict[int, bool] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    pushed_at: float = 0.0
    updated_at: float = 0.0

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass
class Settings:
    """Switches for what a real GitHub does now and then. Seconds, counts."""

    lag_s: dict[str, float] = field(default_factory=dict)
    flicker_s: float = 0.0
    flicker_writes: bool = False
    content_limits: bool = False
    content_per_minute: int = 80
    content_per_hour: int = 500
    limit_header: bool = True
    retry_after_s: int = 60


SECRETS = "secrets"


class World:
    """All state of one simulated GitHub. Whoever reads or writes it holds `lock`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lock = threading.RLock()
        self.url = ""
        self.clock_offset = 0.0
        self.clock_stands_at: float | None = None
        self.courier: Courier
        self.forget()

    def note_secret(self, name: str, secret: str) -> None:
        """Writes down a token that was given or shown here, for whoever searches afterwards whether it got anywhere. Our own
        directory stands for GitHub, where it belongs.
        """
        file = os.open(self.home / SECRETS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, f"{name}\t{secret}\n".encode("ascii"))
        os.close(file)

    def forget(self) -> None:
        """Back to an empty GitHub (the clock too). Bare repositories stay on disk under unused ids."""
        counters = getattr(self, "_counters", None)
        # Numbers go on after a reset, so that a late answer never names a new object.
        self._counters: dict[str, Iterator[int]] = counters or {
            kind: itertools.count(first, 13) for kind, first in FIRST_IDS.items()
        }
        self.clock_offset, self.clock_stands_at = 0.0, None
        self.settings = Settings()
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Account] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.installation_tokens: dict[str, InstallationToken] = {}
        # code -> (App, its private key, when it was made): what a manifest's redirect carries, good once
        self.manifest_codes: dict[str, tuple[App, str, float]] = {}
        self.repositories: dict[int, Repository] = {}
        # full name (lower case) before a rename -> repository id
        self.former_names: dict[str, int] = {}
        self.nodes: dict[str, Any] = {}
        self.faults: list[Any] = []
        self.log: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self.flicker_until: dict[tuple[str, int], float] = {}
        self.content_writes: dict[str, list[float]] = defaultdict(list)

    def now(self) -> float:
        """GitHub's own clock: epoch seconds, moved and held by `POST /_sim/clock`."""
        at = time.time() if self.clock_stands_at is None else self.clock_stands_at
        return at + self.clock_offset

    def next_id(self, kind: str) -> int:
        return next(self._counters[kind])

    def new_account(
        self, login: str, *, kind: str = "User", name: str | None = None, app_id: int | None = None
    ) -> Account:
        """Make an account and its node id. The login must be free."""
        number = self.next_id("account")
        account = Account(number, login, kind, node_id(kind, number), name, app_id, created_at=self.now())
        self.accounts[login.lower()] = account
        self.nodes[account.node_id] = account
        return account

    def account(self, login: str) -> Account | None:
        return self.accounts.get(login.lower())

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the API redirects from the one before."""
        self.former_names[repository.full_name.lower()] = repository.id
        repository.name = name

    def repository(self, owner: str, name: str) -> Repository | None:
        """By name, letter case aside."""
        wanted = (owner.lower(), name.lower())
        return next((r for r in self.repositories.values() if (r.owner.login.lower(), r.name.lower()) == wanted), None)

    def installations_on(self, repository: Repository) -> list[Installation]:
        """Installations that may see this repository and are not suspended."""
        return [
            found for found in self.installations.values() if found.suspended_at is None and covers(found, repository)
        ]


def covers(installation: Installation, repository: Repository) -> bool:
    """Whether the installation's selection holds this repository."""
    if installation.account is not repository.owner:
        return False
    return installation.selection == "all" or repository.id in installation.repository_ids
