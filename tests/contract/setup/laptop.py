"""A machine with an App that is set up well, and ways to spoil it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from local.doctor.finding import Context, Finding
from local.doctor.run import LAPTOP, examine
from local.github.steering import Steering
from local.keyring import AppFile, Keyring
from local.setup.manifest import EVENTS, permissions
from shared.settings import read
from tests.contract.github_simulator.stage import private_key

HERE = Path(__file__).resolve().parents[3]


@cache
def other_key() -> str:
    from local.github.keys import key_pair

    return key_pair(None)[0]


class Laptop:
    def __init__(self, url: str, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.steering = Steering(url)
        self.steering.reset()
        self.steering.person("octocat")
        self.steering.organization("octo-org")
        self.steering.repository("octo-org", "octo-repo", files={"README.md": "hi\n"}, roles={"octocat": "admin"})
        self.app = self.steering.app(
            "persevere-laptop", owner="octocat", pem=private_key(), permissions=permissions(), events=list(EVENTS)
        )
        self.installation = self.steering.install("persevere-laptop", "octo-org", ["octo-repo"])
        self.environment = {
            "PERSEVERE_HOME": str(self.home),
            "PERSEVERE_GITHUB_URL": url,
            "PERSEVERE_MODEL": "scripted:demo",
            "PERSEVERE_SCRIPT": str(HERE / "local" / "demo" / "conversation.jsonl"),
        }
        self.keep_app()

    def keep_app(self, **changes: Any) -> None:
        file = {
            "id": self.app["id"],
            "slug": "persevere-laptop",
            "webhook_secret": self.app["webhook_secret"],
            "private_key": self.app["pem"],
            "owner": "octocat",
            "page": self.app["html_url"],
            "github_url": self.environment["PERSEVERE_GITHUB_URL"],
        }
        Keyring(self.home).save_app(AppFile(**(file | changes)))

    def findings(self, *names: str) -> dict[str, list[Finding]]:
        """The findings of these checks (of all), by name."""
        found: dict[str, list[Finding]] = {}
        checks = [each for each in LAPTOP if not names or each.name in names]
        for name, each in examine(Context(read(self.environment), self.environment), checks):
            found.setdefault(name, []).append(each)
        return found

    @property
    def app_path(self) -> Path:
        return self.home / "keys" / "app.json"

    def app_file(self) -> dict[str, Any]:
        return json.loads(self.app_path.read_text())
