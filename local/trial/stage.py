"""Where a trial happens: a simulated GitHub with people, one repository and our App; and the host that serves it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.github.people import Person
from local.github.steering import Steering
from local.keyring import AppFile, Keyring, private_directory
from local.model_server.server import KEY, MODEL, PATHS
from local.strikes import kills_hosts
from local.trial.processes import Child, ProcessDied, stop_runners
from local.trial.records import Table
from shared.llm.choice import SCRIPTED
from shared.llm.prices import published
from shared.settings import KEY_NAMES, URL_NAMES, without_keys

APP = "persevere"
OURS = "PERSEVERE_"
KEPT_VARIABLES = ("PERSEVERE_COMMAND", "PERSEVERE_WITHOUT")
"""Of our own variables, those that a trial takes from whoever starts it; it sets all others itself."""


@dataclass(frozen=True)
class Scenery:
    """What a trial starts from. `what` is the command that people gave; `tree` becomes the repository's first commit,
    `people` are roles by login.

    `script` is the conversation that answers as the model; `environment` is for set-up (package indexes). `through` is
    the provider in whose format it answers, over HTTP and with that provider's own client ("": inside of the host).
    `strike` says when machines are killed on purpose (`local/strikes.py`).
    """

    what: str
    full_name: str
    tree: Path
    people: Mapping[str, str]
    script: Path
    sandbox: str
    python: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    strike: str = ""
    through: str = ""

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


class Stage:
    """A context: inside it everything runs, after it nothing does."""

    def __init__(self, home: Path, scenery: Scenery) -> None:
        """`home` is emptied, but for what is kept of earlier trials (`sdists`)."""
        self.home = home
        self.scenery = scenery
        self.people: dict[str, Person] = {}
        self._children: list[Child] = []
        self._model: Child | None = None
        self._table: Table | None = None

    def __enter__(self) -> Self:
        self._clear()
        try:
            self._raise()
        except BaseException:
            self._strike()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._strike()

    @property
    def table(self) -> Table:
        assert self._table is not None, "the stage is up"
        return self._table

    @property
    def host(self) -> Child:
        return self._children[1]

    def check(self) -> None:
        """Raises ProcessDied when simulator, host or model is gone; a host that its own plan killed is started again."""
        while kills_hosts(self.scenery.strike) and self.host.was_killed:
            with suppress(ProcessDied):  # killed again before it was up
                self.restart_host()
        for child in [*self._children, *([self._model] if self._model else [])]:
            child.check()

    def restart_host(self) -> None:
        """Take the host away and start it again on the same port, as an operator does for a new version."""
        port = self.host_url.rpartition(":")[2]
        self.host.stop()
        self._children[1] = self._host({"PERSEVERE_PORT": port})
        self._children[1].wait_ready()

    def _clear(self) -> None:
        private_directory(self.home)
        for path in self.home.iterdir():
            if path.name != "sdists":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _raise(self) -> None:
        simulator = ["local.github", "--port", "0", "--home", str(self.home / "github")]
        self._children.append(Child("github", self.home, simulator, without_keys(os.environ)))
        self.github_url = self._children[0].wait_ready()
        self.steering = Steering(self.github_url)
        app = self._populate()
        if self.scenery.through:
            served = ["local.model_server", "--script", str(self.scenery.script)]
            self._model = Child("model", self.home, served, without_keys(os.environ))
            self._model.wait_ready()
        self._children.append(self._host({}))
        self.host_url = self._children[1].wait_ready()
        self._table = Table(self.home)
        self.steering.hook(app["id"], f"{self.host_url}/webhook")

    def _populate(self) -> dict[str, Any]:
        scenery, steering = self.scenery, self.steering
        self.people = {login: steering.person(login) for login in scenery.people}
        steering.organization(scenery.owner)
        steering.repository(
            scenery.owner,
            scenery.name,
            path=scenery.tree,
            roles=dict(scenery.people),
            message=f"{scenery.name} as it was published",
        )
        app = steering.app(APP, owner=scenery.owner)
        tokens = {login: person.token for login, person in self.people.items()}
        Keyring(self.home).save_app(AppFile(app["id"], APP, app["webhook_secret"], app["pem"], tokens))
        steering.install(app["id"], scenery.owner, [scenery.name])
        return app

    def _host(self, more: Mapping[str, str]) -> Child:
        command = ["local.host", "--for", self.scenery.what]
        return Child("host", self.home, command, self._environment() | dict(more))

    def _environment(self) -> dict[str, str]:
        """The machine's own, with our settings. Quiet and pacing are set to what a trial on one machine can wait for."""
        given = {
            name: value
            for name, value in without_keys(os.environ).items()
            if not name.startswith("PERSEVERE_") or name in KEPT_VARIABLES
        }
        given |= self.scenery.environment
        given |= {
            "PERSEVERE_HOME": str(self.home),
            "PERSEVERE_WORLD": "sim",
            "PERSEVERE_GITHUB_URL": self.github_url,
            "PERSEVERE_SANDBOX": self.scenery.sandbox,
            "PERSEVERE_PORT": "0",
            "PERSEVERE_QUIET_S": "1",
            "PERSEVERE_WRITE_PACE_S": "0",
        }
        if self.scenery.strike:
            given["PERSEVERE_STRIKE"] = self.scenery.strike
        if self.scenery.python:
            given["PERSEVERE_PYTHON"] = str(self.scenery.python)
        return given | self._asked()

    def _asked(self) -> dict[str, str]:
        """Which model is asked, and where. One that is reached through a provider costs what the scripted one costs."""
        if self._model is None:
            return {"PERSEVERE_MODEL": SCRIPTED, "PERSEVERE_SCRIPT": str(self.scenery.script)}
        through = self.scenery.through
        name = f"{through}:{MODEL}-demo"
        prices = self.home / "prices.json"
        price = published().of(SCRIPTED, 0).model_dump(mode="json", exclude_defaults=True)
        prices.write_text(json.dumps({"models": {name: price}}))
        return {
            "PERSEVERE_MODEL": name,
            "PERSEVERE_FALLBACKS": "none",
            "PERSEVERE_PRICES": str(prices),
            OURS + KEY_NAMES[through].removeprefix(OURS): KEY,
            OURS + URL_NAMES[through].removeprefix(OURS): self._model.wait_ready() + PATHS[through],
        }

    def _strike(self) -> None:
        """The host first, since it would start again whoever leaves; then what it has started."""
        try:
            for child in [*reversed(self._children), *([self._model] if self._model else [])]:
                child.stop()
        finally:
            stop_runners(self.home)
            if self._table is not None:
                self._table.close()
