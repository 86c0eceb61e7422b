"""`persevere up`: real GitHub, the table in a file, the host in this process."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from functions.world import World, door
from local.clock import SystemClock
from local.host import Company, logging_to, serve
from local.host_lock import alone
from local.ids import SystemIds
from local.keyring import AppFile, Keyring, private_directory
from local.polling.poller import Poller
from local.setup.init import api_of, check_same_github
from local.setup.manifest import settings_url
from local.setup.place import check_outside
from local.setup.refused_key import advice_for
from local.trial.fence import Fence, find_fence
from local.trial.processes import stop_runners
from local.trial.records import Table
from local.up.hook import Hook
from local.up.lines import Lines
from local.up.opening import tell_opening
from local.up.teller import Teller
from local.worker import Worker
from local.world import DEFAULT_PORT
from shared.errors import NotConfigured, PersevereError
from shared.github.answers import BadCredentials, NotFound
from shared.github.app_tokens import AppTokens
from shared.github.client import GitHubs
from shared.github.installations import Installations, Place
from shared.github.wire import Wire
from shared.settings import Settings, read, unknown

NET_S = 60.0
"""How often GitHub is asked although it can call us: a delivery that got lost is found so."""
RUNNERS_LEAVE_S = 20.0


def up(environment: Mapping[str, str], url: str | None, *, json_lines: bool) -> int:
    """Work until Ctrl-C or SIGTERM. Raises NotConfigured, NoFence."""
    settings, strange = read(environment), unknown(environment)
    check_outside(settings.home)
    app = Keyring(settings.home).app()
    check_same_github(app, settings)
    fence = find_fence(settings.sandbox, settings.python, may_fall=False)
    settings = settings.model_copy(update={"port": free_port(settings.port), "sandbox": fence.name})
    over = threading.Event()
    private_directory(settings.home)
    with alone(settings.home, "`persevere up`"), _own_output() as stream, _signals(over):
        lines = Lines(stream, json_lines=json_lines)
        evening = _Evening(settings, app, fence, url, lines, stream, strange)
        with logging_to(settings.home / "host.log"):
            try:
                serve(settings, over, settings.home / "host.ready", Company(evening.workers, evening.leaving))
            finally:
                (settings.home / "host.ready").unlink(missing_ok=True)
        lines.words()
        lines.words("  Left. Nothing of it runs any more; `persevere up` goes on where it stood.")
    return 0


def free_port(wanted: int) -> int:
    """The port that was asked for, else the usual one, so that a tunnel and a runner find us again, else a free one."""
    if wanted:
        return wanted
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


@contextmanager
def _own_output() -> Iterator[TextIO]:
    """Standard output as it is now: the host sends its own to a log."""
    sys.stdout.flush()
    with os.fdopen(
        os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="replace", buffering=1
    ) as own:
        yield own


@contextmanager
def _signals(over: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM let the work at hand come to its end; a second Ctrl-C does not wait for it."""

    def leave(*_: object) -> None:
        if over.is_set():
            raise KeyboardInterrupt
        over.set()

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Evening:
    """What works beside the host: who asks GitHub, and who tells what happens."""

    def __init__(
        self,
        settings: Settings,
        app: AppFile,
        fence: Fence,
        url: str | None,
        lines: Lines,
        stream: TextIO,
        strange: Sequence[tuple[str, str]],
    ) -> None:
        self._settings = settings
        self._app = app
        self._fence = fence
        self._url = url
        self._lines = lines
        self._stream = stream
        self._strange = strange
        self._clock = SystemClock()
        self._wire = Wire(self._clock, api_of(settings))
        self._tokens = AppTokens(self._wire, self._clock, SystemIds(), str(app.id), app.private_key)
        self._installations = Installations(self._wire, self._tokens)
        self._hook = Hook(settings.home, self._wire, self._tokens, app)

    def workers(self, world: World, url: str) -> Sequence[Worker]:
        """Say the first lines, and begin. Raises NotConfigured where GitHub does not know the App or its key."""
        if world.operator.model.startswith("scripted:") and self._settings.script is None:
            raise NotConfigured("there is no model to ask", "set the key of a provider; `persevere doctor` says which")
        listens = self._listen(url)
        places = self._places()
        poller = Poller(
            door,
            GitHubs(self._wire, world.tokens, world.clock, world.store),
            self._installations,
            self._app.slug,
            NET_S if self._url else self._settings.poll_s,
        )
        table = Table(self._settings.home)
        tell_opening(
            self._lines,
            app=self._app.slug,
            places=places,
            install_page=self._app.installation_page,
            listens=listens,
            operator=world.operator,
            fence=self._fence,
            home=self._settings.home,
            issues=len(table.issues()),
            strange=self._strange,
        )
        return [poller, Teller(table, self._lines, self._stream, poller)]

    def _places(self) -> list[Place] | None:
        try:
            return self._installations.reachable()[0]  # who does not let us in is told by who polls
        except (BadCredentials, NotFound) as error:
            raise NotConfigured(
                f"GitHub does not know the App {self._app.slug} by its key: {error.words}",
                advice_for(error),
            ) from error
        except PersevereError:
            return None  # the first lines say so, and the poller goes on asking

    def _listen(self, url: str) -> str:
        """Point the App's webhook where it belongs, and say how we hear."""
        try:
            if self._url is None:
                self._hook.put_back()
                return f"by asking GitHub every {self._settings.poll_s:g} s (no public address set)"
            self._hook.point_at(self._url)
        except PersevereError as error:
            return f"by asking GitHub; its webhook could not be set ({error})"
        page = settings_url(self._settings.github_url, self._app.owner, self._app.owner_type, self._app.slug)
        return (
            f"at {self._url}, which has to lead to {url}, and by asking every {NET_S:g} s. If nothing comes: "
            f'is the webhook "Active" at {page} ?'
        )

    def leaving(self) -> None:
        """Runners say goodbye while they are still answered; then GitHub is told not to call any more."""
        self._lines.words("  Leaving ...")
        stop_runners(self._settings.home, patience_s=RUNNERS_LEAVE_S)
        if self._url is not None:
            try:
                self._hook.put_back()
            except PersevereError as error:
                self._lines.words(f"  The webhook still points at {self._url} ({error}); the next start puts it back.")
