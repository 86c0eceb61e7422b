"""People, a repository and an installed App on the simulator; our client with real App tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from local.github.steering import Steering
from shared.domain.people import Repository
from shared.github.app_tokens import AppTokens
from shared.github.client import GitHub, GitHubs
from shared.github.pacing import PACED, Pace
from shared.github.wire import Wire
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import CountingIds

REPO = "octo-org/octo-repo"


@dataclass
class SteeredClock:
    """Our clock and GitHub's as one. Both stand still: a wait moves them and takes no time, and nothing else does."""

    steering: Steering
    ms: int = field(default_factory=lambda: int(time.time()) * 1000 + 500)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steering.hold_clock(self.ms / 1000)

    def now(self) -> int:
        return self.ms

    def wait(self, seconds: float) -> None:
        if seconds > 5:
            raise ValueError("at most 5 s a call")
        self.waits.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        self.steering.advance(seconds)


class Stage:
    def __init__(self, url: str, pace: Pace = PACED, **repository: Any) -> None:
        self.url = url
        self.st = Steering(url)
        self.st.reset()
        self.clock = SteeredClock(self.st)
        self.octocat = self.st.person("octocat")
        self.hubot = self.st.person("hubot")
        self.st.organization("octo-org")
        wish = {
            "files": {"README.md": "# Octo\n", "src/a.py": "x = 1\n"},
            "roles": {"octocat": "admin", "hubot": "read"},
        }
        self.repository_now = self.st.repository("octo-org", "octo-repo", **(wish | repository))
        self.app = self.st.app("persevere", owner="octocat")
        self.installation = self.st.install("persevere", "octo-org")
        self.ids = CountingIds()
        self.store = MemoryStore(self.clock)
        self.wire = Wire(self.clock, url)
        self.tokens = AppTokens(self.wire, self.clock, self.ids, self.app["client_id"], self.app["pem"])
        self.githubs = GitHubs(self.wire, self.tokens, self.clock, self.store, pace)

    @property
    def repository(self) -> Repository:
        return Repository(id=self.repository_now["id"], full_name=REPO)

    def github(self, purpose: str = "read", repository: Repository | None = None) -> GitHub:
        return self.githubs.client(purpose, self.installation["id"], repository or self.repository)

    def head(self, branch: str = "main") -> str:
        return str(self.octocat.get(f"/repos/{REPO}/git/ref/heads/{branch}")["object"]["sha"])

    def work(self, branch: str = "work") -> str:
        """A branch by octocat with one commit more than main."""
        return str(self.octocat.push(REPO, branch, {"work.txt": "work\n"}, "Work", base="main"))
