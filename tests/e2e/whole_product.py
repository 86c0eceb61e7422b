"""The whole product for a table of stories: simulator, host, runners; a repository and an installation for each story.

The simulator is a process of its own, as are the runners; the host's parts run on threads here, so that one story can
have its own conversation with the model and so that time can pass without being waited for. Everything else is what
`python -m local.host` runs: the same doors over HTTP, the same stream, the same watchdog.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, cast
from unittest import mock

import functions.world
import local.world
from functions.world import World, use
from local.blobs import FileBlobs
from local.clock import SystemClock
from local.github.people import Person
from local.github.steering import Steering
from local.home import DATABASE
from local.host import consumers, doors, handler_of, leave
from local.http_server import Application, listen
from local.keyring import AppFile, Keyring
from local.planner import ThreadPlanner
from local.scripted_model import ScriptedModel, read_script
from local.store import SqliteStore
from local.tasks import SubprocessTasks
from local.trial.processes import Child, stop_runners
from local.worker import Worker
from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox
from runner_image.sandbox.interpreter import find_interpreter
from shared.llm.choice import SCRIPTED
from shared.llm.models import Models
from shared.ports import Answer, ModelFailed, Request
from shared.settings import read
from tests.e2e.place import Place
from tests.e2e.watch import SecretWatch, watching

APP = "persevere"
PATIENCE_S = 300.0
"""Never met on a machine that has some time for us; a story that hangs ends with what it hangs on."""
LEAVING_S = 120.0

Line = Mapping[str, Any]


class MovableClock(SystemClock):
    """The machine's clock, and what was added to it. It only ever goes forward."""

    def __init__(self) -> None:
        self._ahead_ms = 0

    def now(self) -> int:
        return super().now() + self._ahead_ms

    def move(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)


class Switchboard:
    """A model with one conversation file a repository. Which one is meant stands in the request, as in a real one."""

    def __init__(self, watch: SecretWatch) -> None:
        self._scripts: dict[str, ScriptedModel] = {}
        self._watch = watch
        self.answers: dict[str, threading.Event] = {}
        """Of repositories whose building model answers its second question and later ones when the event is set."""

    def load(self, full_name: str, lines: Sequence[Line]) -> None:
        texts = [json.dumps(line) for line in lines]
        self._scripts[full_name] = ScriptedModel(read_script(texts, f"the conversation of {full_name}"))

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self._watch.heard(request)
        text = repr(request.turns)
        named = [name for name in self._scripts if name in text]
        if len(named) != 1:
            raise ModelFailed(f"the request names {named or 'no repository'}", "a story's texts name its repository")
        answers = self.answers.get(named[0])
        while answers is not None and _is_later(request) and not answers.wait(1):
            alive()
        return self._scripts[named[0]].ask(request, deadline_s, alive)


def _is_later(request: Request) -> bool:
    """Whether the building model has answered before."""
    return request.purpose == "build" and any(turn["role"] == "assistant" for turn in request.turns)


class WholeProduct:
    """Everything that runs. `begin` makes a story's place in it."""

    def __init__(
        self, home: Path, url: str, world: World, host_url: str, clock: MovableClock, app: AppFile, watch: SecretWatch
    ) -> None:
        self.home = home
        self.url = url
        self.world = world
        self.host_url = host_url
        self.app = app
        self.steering = Steering(url)
        self.people = {login: Person(url, login, token) for login, token in app.people.items()}
        self.watch = watch
        self.model = Switchboard(watch)
        self._clock = clock
        self._places = 0

    def begin(
        self,
        files: Mapping[str, Any] | None,
        script: Sequence[Line] = (),
        *,
        roles: Mapping[str, str] | None = None,
        permissions: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Place:
        """A fresh organisation with one repository (None: an empty one) and the App installed on it.

        `permissions` are the installation's where they are not the App's own; `more` goes to the simulator (private, plan).
        """
        self._places += 1
        owner = f"octo-org-{self._places}"
        self.steering.organization(owner)
        roles = {"octocat": "admin", "hubot": "read"} | dict(roles or {})
        content = None if files is None else dict(files)
        made = self.steering.repository(owner, "octo-repo", roles=roles, files=content, **more)
        installed = self.steering.install(APP, owner, ["octo-repo"])
        if permissions is not None:
            self.steering.configure_installation(installed["id"], permissions=dict(permissions))
        full_name = f"{owner}/octo-repo"
        self.model.load(full_name, script)
        return Place(
            self,
            full_name,
            made["id"],
            installed["id"],
            Path(made["git_dir"]),
            self.people["octocat"],
            self.people["hubot"],
            len(self.steering.refusals()),
        )

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Wait for something true and return it."""
        end = time.monotonic() + PATIENCE_S
        while not (found := holds()):
            assert time.monotonic() < end, f"still waiting for {what}\n{self._troubles()}"
            time.sleep(0.03)
        return found

    def _troubles(self) -> str:
        """The last errors that the host's parts logged."""
        lines = (self.home / "host.log").read_text("utf-8").splitlines()
        return "\n".join([line[:2000] for line in lines if '"level":"ERROR"' in line][-3:])

    def leaks(self) -> list[str]:
        """Secrets that are where none may be (`watch.py`)."""
        return self.watch.leaks(self.home)

    def quiet(self) -> bool:
        """Whether GitHub has nothing under way to us."""
        return self.steering.quiet()

    def give_runners(self, name: str, value: str) -> None:
        """A variable of the machine that later runners have as well."""
        cast("SubprocessTasks", self.world.tasks).tell(name, value)

    def pass_time(self, seconds: float) -> None:
        """It is so much later now, here and at GitHub. No runner may be at work: its lease would run out."""
        self._clock.move(seconds)
        self.steering.advance(seconds)


def sandbox_here() -> str:
    """The best fence that this machine has; its own tests make sure of the fence, these stories need none."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            return choose(None, find_interpreter(None), Path(directory) / "private", os.environ).name
    except NoSandbox:
        return "none"


@contextmanager
def whole_product(
    home: Path, *, sandbox: str | None = None, gate: Callable[[Application], Any] = lambda application: application
) -> Iterator[WholeProduct]:
    """Start everything; after the block nothing runs any more. `gate` may stand before the host's doors.

    One at a time in a process: its threads work in the one world that `functions.world` knows.
    """
    assert functions.world._current is None, "another world is in use in this process"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        watch = stack.enter_context(watching())
        simulator = Child("github", home, ["local.github", "--port", "0", "--home", str(home / "github")], os.environ)
        stack.callback(simulator.stop)
        url = simulator.wait_ready()
        app = _populate(home, Steering(url))
        watch.know_app(home, app)
        application = Application()
        server = listen(gate(application), 0)
        stack.callback(server.server_close)
        host_url = f"http://127.0.0.1:{server.server_port}"
        clock = MovableClock()
        world = _world(home, url, host_url, clock, sandbox or sandbox_here())
        use(world)
        stack.callback(use, None)
        product = WholeProduct(home, url, world, host_url, clock, app, watch)
        product.world = replace(world, models=Models({"scripted": lambda name: product.model}))
        use(product.world)
        for function in ("github_webhook", "job_api", "conductor", "effects", "watchdog", "planner"):
            handler_of(function)
        stack.enter_context(_logging_to(home / "host.log"))
        _serve(stack, product, application, server)
        product.steering.webhooks(timeout_s=PATIENCE_S)  # a busy machine of ours is no fault of GitHub's
        product.steering.hook(app.id, f"{host_url}/webhook")
        stack.callback(stop_runners, home)
        yield product


def _populate(home: Path, steering: Steering) -> AppFile:
    people = {login: steering.person(login).token for login in ("octocat", "hubot")}
    made = steering.app(APP, owner="octocat")
    app = AppFile(made["id"], APP, made["webhook_secret"], made["pem"], people)
    Keyring(home).save_app(app)
    return app


def _world(home: Path, url: str, host_url: str, clock: MovableClock, sandbox: str) -> World:
    """As a host builds it, on a clock that can be moved; runners beat often, so that orders reach them soon."""
    environment = {
        "PERSEVERE_HOME": str(home),
        "PERSEVERE_WORLD": "sim",
        "PERSEVERE_GITHUB_URL": url,
        "PERSEVERE_SANDBOX": sandbox,
        "PERSEVERE_MODEL": SCRIPTED,
        "PERSEVERE_QUIET_S": "0.2",
        "PERSEVERE_WRITE_PACE_S": "0",
    }
    settings = read(environment)
    with mock.patch.object(local.world, "SystemClock", return_value=clock):
        world = local.world.build(settings, host_url)
    told = local.world.runner_environment(settings, {}) | {"PERSEVERE_HEARTBEAT_S": "0.5"}
    store = SqliteStore(home / DATABASE, clock)
    return replace(world, store=store, tasks=SubprocessTasks(home, host_url, clock, extra=told))


def _serve(stack: ExitStack, product: WholeProduct, application: Application, server: Any) -> None:
    settings = read({"PERSEVERE_HOME": str(product.home), "PERSEVERE_WORLD": "sim"})
    workers = consumers(settings, product.world)
    application.open(doors(), cast("FileBlobs", product.world.blobs))
    listening = threading.Thread(target=server.serve_forever, args=(0.05,), name="http", daemon=True)
    listening.start()
    stack.callback(server.shutdown)
    for worker in workers:
        worker.start()
    stack.callback(_end, workers, product.world)


def _end(workers: Sequence[Worker], world: World) -> None:
    """Until nobody works any more: this process goes on, and what is late would be met by other tests."""
    assert leave(workers, LEAVING_S), [each for each in threading.enumerate() if each.is_alive()]
    cast("ThreadPlanner", world.planner).join(LEAVING_S)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """What our functions log goes to a file beside the table, not among the words of the tests."""
    with path.open("a", encoding="utf-8") as file:
        kept: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []
        for logger in list(logging.Logger.manager.loggerDict.values()):
            for handler in getattr(logger, "handlers", ()):
                if type(handler) is logging.StreamHandler:
                    kept.append((handler, handler.stream))
                    handler.setStream(file)
        try:
            yield
        finally:
            for handler, stream in kept:
                handler.setStream(stream)
