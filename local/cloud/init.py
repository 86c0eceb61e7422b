"""`persevere init --aws`: the GitHub App for a stack that stands. Its key goes to Secrets Manager, and to no file that stays."""

from __future__ import annotations

import secrets as chance
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.clock import SystemClock
from local.cloud.choices_file import CHOICES, note_app, note_model
from local.cloud.installation import AwsRefused, Installation
from local.cloud.secrets import (
    add_webhook_secret,
    drop_old_webhook_secrets,
    make_missing_keys,
    store_app,
    store_model_keys,
    stored,
)
from local.ids import SystemIds
from local.keyring import AppFile, Keyring
from local.setup.creation import Creation, NotCreated, Wish
from local.setup.init import Choices
from local.setup.manifest import checked_name
from local.trial.terminal import Terminal
from shared.errors import Final, NotConfigured
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.llm.choice import BALANCED
from shared.settings import KEY_NAMES, Settings, read


class NotStored(Final):
    """GitHub has an App that AWS has no key of."""


def init_app(
    installation: Installation,
    choices: Choices,
    environment: Mapping[str, str],
    terminal: Terminal,
    choices_file: Path = CHOICES,
) -> int:
    """Make the App by manifest, with the stack's door as its webhook, store everything, note its id in infra/choices.toml.

    Raises NotConfigured, NotCreated, NotStored, AwsRefused.
    """
    hook = installation.output("WebhookUrl")
    there = stored(installation, "AppSecretArn")
    if there and there.get("private_key") and not choices.again:
        terminal.line(f'  There is an App already: "{there.get("slug")}", id {there.get("id")}. Nothing is made anew.')
        terminal.line("  For another one: persevere init --aws --again; for a new webhook secret: --webhook")
        return _keep(installation, there, environment, terminal, choices_file)
    settings, wire = _github(environment)
    name = checked_name(choices.name or f"persevere-{choices.organization or chance.token_hex(3)}"[:34].rstrip("-"))
    with tempfile.TemporaryDirectory(prefix="persevere-init-") as place:
        keyring = Keyring(Path(place) / "home")
        with Creation(
            Wish(name, settings.github_url, choices.organization, hook), wire, keyring, choices.port
        ) as creation:
            terminal.line(f'  Open this to create your App "{name}" (one click):')
            terminal.line(f"    {creation.url}")
            terminal.line("  It asks for: contents, issues, pull requests, checks: write. Not for: workflows.")
            app = creation.wait(choices.wait_s)
        if app is None:
            raise NotCreated("nobody came back from GitHub in time, so nothing was made", "run it again")
        try:
            _store(installation, app)
        except AwsRefused as error:
            raise NotStored(
                f'the App "{app.slug}" is made ({app.page}), and its key could not be stored: {error}',
                f"{error.advice}; delete that App on its page (Advanced), then: persevere init --aws --again",
            ) from error
    terminal.line(f'  Created: "{app.slug}", id {app.id}; its key is in {installation.output("AppSecretArn")}')
    note_app(app.id, app.slug, choices_file, terminal)
    terminal.line(f"  Install it: {app.installation_page}")
    terminal.line("  Next:  persevere deploy     (the functions learn whose App they are)")
    return 0


def _store(installation: Installation, app: AppFile) -> None:
    told = {
        "id": app.id,
        "slug": app.slug,
        "private_key": app.private_key,
        "owner": app.owner,
        "owner_type": app.owner_type,
        "page": app.page,
        "github_url": app.github_url,
    }
    store_app(installation, told)
    add_webhook_secret(installation, app.webhook_secret)
    drop_old_webhook_secrets(installation)
    make_missing_keys(installation)


def _keep(
    installation: Installation,
    app: Mapping[str, Any],
    environment: Mapping[str, str],
    terminal: Terminal,
    choices_file: Path,
) -> int:
    """See to it that this App's webhook goes to the door, and that the choices here name it. Its secrets stay."""
    if note_app(int(app["id"]), str(app.get("slug", "")), choices_file, terminal):
        terminal.line("  Next:  persevere deploy     (the functions learn whose App they are)")
    if not stored(installation, "WebhookSecretArn"):
        return point_webhook(installation, environment, terminal)
    _, wire = _github(environment)
    tokens = _tokens(wire, app)
    url = installation.output("WebhookUrl")
    told = wire.send("GET", "/app/hook/config", tokens.app_jwt()).body or {}
    if str(told.get("url", "")).rstrip("/") != url.rstrip("/"):
        wire.send("PATCH", "/app/hook/config", tokens.app_jwt(), json={"url": url, "content_type": "json"})
    terminal.line(f"  GitHub sends webhooks to {url}, signed as before.")
    return 0


def _github(environment: Mapping[str, str]) -> tuple[Settings, Wire]:
    settings = read({"PERSEVERE_HOME": tempfile.gettempdir(), **environment})
    return settings, Wire(SystemClock(), environment.get("PERSEVERE_GITHUB_API_URL") or settings.github_api_url)


def _tokens(wire: Wire, app: Mapping[str, Any]) -> AppTokens:
    return AppTokens(wire, SystemClock(), SystemIds(), str(app["id"]), str(app["private_key"]))


def point_webhook(installation: Installation, environment: Mapping[str, str], terminal: Terminal) -> int:
    """Give GitHub the door's address and a fresh secret. The door knows the new one first, so no delivery is lost."""
    app = stored(installation, "AppSecretArn")
    if not app:
        raise NotConfigured("there is no App yet", "persevere init --aws")
    _, wire = _github(environment)
    tokens = _tokens(wire, app)
    fresh = chance.token_hex(32)
    add_webhook_secret(installation, fresh)
    url = installation.output("WebhookUrl")
    wire.send("PATCH", "/app/hook/config", tokens.app_jwt(), json={"url": url, "content_type": "json", "secret": fresh})
    drop_old_webhook_secrets(installation)
    terminal.line(f"  GitHub sends webhooks to {url}, signed with a new secret.")
    terminal.line("  Until the door has re-read it (5 minutes at most), what is refused is fetched by the watchdog.")
    return 0


def set_models(
    installation: Installation, environment: Mapping[str, str], terminal: Terminal, choices_file: Path = CHOICES
) -> int:
    """Store the providers' keys that the environment has; where no model is chosen yet, note the balanced one.

    Raises NotConfigured where there is no key.
    """
    keys = read({"PERSEVERE_HOME": tempfile.gettempdir(), **environment}).keys
    found = {provider: key.get_secret_value() for provider, key in keys.items()}
    if not found:
        raise NotConfigured("no provider's key is in the environment", f"set one of {', '.join(KEY_NAMES.values())}")
    names = store_model_keys(installation, found)
    terminal.line(
        f"  Keys of {', '.join(names)} are in {installation.output('ModelSecretArn')}. Known within 5 minutes."
    )
    model = next((BALANCED[each] for each in BALANCED if each in names), "")
    if model and note_model(model, choices_file):
        terminal.line(f'  Noted in {choices_file.parent.name}/{choices_file.name}: model = "{model}"')
        terminal.line("  Next:  persevere deploy     (the functions learn their model)")
    return 0
