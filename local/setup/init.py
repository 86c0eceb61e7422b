"""`persevere init --local`: an App on GitHub in two clicks, its key in one file here."""

from __future__ import annotations

import json
import secrets
import sys
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.clock import SystemClock
from local.ids import SystemIds
from local.keyring import AppFile, Keyring
from local.setup.creation import Creation, NotCreated, Wish
from local.setup.manifest import WEBHOOK_PATH, checked_name
from local.setup.place import check_outside
from local.setup.refused_key import advice_for
from local.trial.terminal import Terminal
from shared.errors import NotConfigured, PersevereError
from shared.github.answers import BadCredentials, NotFound
from shared.github.app_tokens import AppTokens
from shared.github.installations import Installations, Place
from shared.github.wire import Wire
from shared.settings import Settings, read

LOOK_EVERY_S = 2.0
LATER = 3
"""Exit code where everything is stored and a person still has to install the App."""


@dataclass(frozen=True)
class Choices:
    """What was asked on the command line. `url` is a public address of ours, `wait_s` how long a click may take."""

    name: str = ""
    organization: str | None = None
    url: str | None = None
    again: bool = False
    browser: bool = True
    port: int = 0
    wait_s: float = 900.0


def init(environment: Mapping[str, str], choices: Choices, *, json_line: bool) -> int:
    """Exit code 0 once the App is installed somewhere, 3 when it is made and not installed yet.

    Raises NotConfigured, NotCreated, Final.
    """
    settings = read(environment)
    check_outside(settings.home)
    terminal = Terminal(sys.stderr if json_line else sys.stdout)
    keyring = Keyring(settings.home)
    wire = Wire(SystemClock(), api_of(settings))
    known = keyring.has_app() and not choices.again
    if known:
        app = keyring.app()
        check_same_github(app, settings)
        _tell_existing(terminal, app)
    else:
        app = _create(terminal, settings, choices, wire, keyring)
    places = _install(terminal, choices, wire, app, known=known)
    _tell_model(terminal, settings)
    terminal.line(f"  Stored in {keyring.app_path} (readable by you alone).")
    terminal.line()
    terminal.line("  Next:  persevere up" + (f" --url {choices.url}" if choices.url else ""))
    if json_line:
        _print(app, places)
    return 0 if places else LATER


def api_of(settings: Settings) -> str:
    """Root of the REST API of this world."""
    return settings.github_url if settings.world == "sim" else settings.github_api_url


def check_same_github(app: AppFile, settings: Settings) -> None:
    """Raises NotConfigured where the App belongs to another GitHub than the one that is set."""
    if app.github_url and app.github_url != settings.github_url:
        raise NotConfigured(
            f"the App {app.slug} is known to {app.github_url}, and PERSEVERE_GITHUB_URL is {settings.github_url}",
            "set PERSEVERE_GITHUB_URL, or another PERSEVERE_HOME",
        )


def _tell_existing(terminal: Terminal, app: AppFile) -> None:
    terminal.line(
        f'  There is an App here already: "{app.slug}", id {app.id}' + (f", of {app.owner}." if app.owner else ".")
    )
    terminal.line("  Nothing is made anew. For another one: persevere init --local --again")


def _create(terminal: Terminal, settings: Settings, choices: Choices, wire: Wire, keyring: Keyring) -> AppFile:
    name = checked_name(choices.name or f"persevere-{choices.organization or secrets.token_hex(3)}"[:34].rstrip("-"))
    hook = f"{choices.url}{WEBHOOK_PATH}" if choices.url else None
    wish = Wish(name, settings.github_url, choices.organization, hook)
    with Creation(wish, wire, keyring, choices.port) as creation:
        terminal.line(f'  1/3  Opening GitHub to create your App "{name}"  (one click)')
        terminal.line("       It asks for: contents, issues, pull requests, checks: write.")
        terminal.line("       It does not ask for: workflows, secrets, administration, members.")
        _open(terminal, creation.url, choices, local=True)
        try:
            app = creation.wait(choices.wait_s)
        except KeyboardInterrupt:
            terminal.line("       Stopped by you before GitHub sent an App; run it again.")
            raise
        if app is None:
            raise NotCreated(
                f"nobody came back from GitHub within {_span(choices.wait_s)}, so nothing was made",
                "run it again; whoever pressed Cancel on GitHub has made nothing there either",
            )
        terminal.line(f'       ... created: "{app.slug}", id {app.id}')
        time.sleep(0.3)  # the browser is just being sent on
    return app


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _open(terminal: Terminal, url: str, choices: Choices, *, local: bool) -> None:
    if choices.browser and _opened(url):
        terminal.line(f"       If no browser opened: {url}")
        return
    terminal.line("       Open this in a browser:")
    terminal.line(f"       {url}")
    if local:
        port = url.rpartition(":")[2]
        terminal.line(f"       From another machine, first:  ssh -L {port}:127.0.0.1:{port} <this machine>")


def _opened(url: str) -> bool:
    """Whether a graphical browser was started. One in the terminal would take the terminal away."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if isinstance(browser, webbrowser.GenericBrowser) and not isinstance(browser, webbrowser.BackgroundBrowser):
        return False
    return browser.open(url)


def _install(terminal: Terminal, choices: Choices, wire: Wire, app: AppFile, *, known: bool) -> list[Place]:
    """Wait until it is installed somewhere: asked of GitHub, since what a browser brings back proves nothing. An App that
    is `known` here for longer and not on GitHub was deleted there; a new one may be a moment late.
    """
    tokens = AppTokens(wire, SystemClock(), SystemIds(), str(app.id), app.private_key)
    installations = Installations(wire, tokens)
    told, until = False, time.monotonic() + choices.wait_s
    while True:
        try:
            places, refused = installations.reachable()
        except (BadCredentials, NotFound) as error:
            if known or isinstance(error, BadCredentials):
                raise NotConfigured(
                    f"GitHub does not know the App {app.slug} by its key: {error.words}",
                    advice_for(error),
                ) from error
            places, refused = [], {}
        except PersevereError as error:
            places, refused = [], {}
            if time.monotonic() > until:
                terminal.line(f"       GitHub does not answer: {error}")
        if places:
            names = ", ".join(each.repository.full_name for each in places[:4])
            more = f" and {len(places) - 4} more" if len(places) > 4 else ""
            terminal.line(f"       ... installed on {names}{more}")
            return places
        if not told:
            terminal.line('  2/3  Install it. Choose "Only select repositories".')
            terminal.line(f"       {app.installation_page}")
            for account, why in refused.items():
                terminal.line(f"       {account} does not let it in: {why}")
            told = True
        if time.monotonic() > until:
            terminal.line("       ... not installed yet. `persevere up` waits for it, too.")
            return []
        time.sleep(LOOK_EVERY_S)


def _tell_model(terminal: Terminal, settings: Settings) -> None:
    from local.setup.model_key import model_key

    terminal.line(f"  3/3  {model_key(settings)}")


def _print(app: AppFile, places: list[Place]) -> None:
    told: dict[str, Any] = {
        "app": {"id": app.id, "slug": app.slug, "owner": app.owner, "page": app.page},
        "repositories": [each.repository.full_name for each in places],
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
