"""Apps: what they say of themselves, their installations and tokens."""

import base64
import json
import secrets
from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.keys import key_pair
from local.github.refusals import Refusal, not_found, unprocessable
from local.github.shapes import app_shape, installation_shape, repository_shape, user_shape
from local.github.state import Account, App, Installation, InstallationToken, World, covers, iso, node_id
from local.github.webhooks import send

TOKEN_LIFE_S = 3600


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def new_token_text(app_id: int, installation_id: int, expires_at: float) -> str:
    """A token of GitHub's 2026 form, `ghs_<app id>_<something like a JWT>`: long, and with dots in it."""
    head = _part(json.dumps({"alg": "RS256", "kid": secrets.token_hex(8), "typ": "JWT"}).encode())
    claims = {"installation": installation_id, "exp": int(expires_at), "jti": secrets.token_hex(16)}
    return f"ghs_{app_id}_{head}.{_part(json.dumps(claims).encode())}.{_part(secrets.token_bytes(192))}"


def make_app(
    world: World,
    slug: str,
    owner: Account,
    *,
    name: str,
    permissions: dict[str, str],
    events: list[str],
    hook_url: str | None,
    hook_active: bool = True,
    secret: str | None = None,
    pem: str | None = None,
) -> tuple[App, str]:
    """A new App and its private key. The slug must be free."""
    private, public = key_pair(pem)
    number, now = world.next_id("app"), world.now()
    app = App(
        number,
        slug,
        name,
        f"Iv23li{secrets.token_hex(7)}",
        node_id("app", number),
        owner,
        world.new_account(f"{slug}[bot]", kind="Bot", app_id=number),
        public,
        secret or secrets.token_hex(20),
        permissions,
        events,
        world.next_id("hook"),
        hook_url,
        hook_active,
        created_at=now,
        updated_at=now,
    )
    world.apps[number] = app
    return app, private


def install_app(
    world: World, app: App, account: Account, chosen: set[int] | None, permissions: dict[str, str] | None = None
) -> Installation:
    """Install at an account, on the repositories with these ids (None: on all), and tell the App."""
    number, now = world.next_id("installation"), world.now()
    installation = Installation(
        number,
        app,
        account,
        "all" if chosen is None else "selected",
        chosen or set(),
        dict(permissions or app.permissions),
        list(app.events),
        f"INS_{number}",
        now,
        now,
    )
    world.installations[number] = installation
    announce(world, installation, "created")
    return installation


@route("GET", "/app")
def get_app(call: Call) -> Any:
    app = call.app_itself()
    count = sum(1 for one in call.world.installations.values() if one.app is app)
    return {**app_shape(call.world, app), "installations_count": count}


@route("GET", "/apps/{slug}")
def get_app_by_slug(call: Call) -> Any:
    for app in call.world.apps.values():
        if app.slug == call.args["slug"]:
            return app_shape(call.world, app)
    raise not_found()


@route("GET", "/app/installations")
def list_installations(call: Call) -> Any:
    app = call.app_itself()
    found = [one for one in call.world.installations.values() if one.app is app]
    return [installation_shape(call.world, one) for one in call.page(found)]


def _installation(call: Call) -> Installation:
    app = call.app_itself()
    key = call.args["id"]
    found = call.world.installations.get(int(key)) if key.isdigit() else None
    if found is None or found.app is not app:
        raise not_found()
    return found


@route("GET", "/app/installations/{id}")
def get_installation(call: Call) -> Any:
    return installation_shape(call.world, _installation(call))


@route("GET", "/repos/{owner}/{repo}/installation")
def repository_installation(call: Call) -> Any:
    app = call.app_itself()
    repository = call.world.repository(call.args["owner"], call.args["repo"])
    for installation in call.world.installations.values():
        if repository is not None and installation.app is app and covers(installation, repository):
            return installation_shape(call.world, installation)
    raise not_found()


@route("PUT", "/app/installations/{id}/suspended")
def suspend(call: Call) -> Any:
    installation = _installation(call)
    installation.suspended_at = call.world.now()
    announce(call.world, installation, "suspend")
    call.note("installation", installation.id, what="suspended")
    return 204, None


@route("DELETE", "/app/installations/{id}/suspended")
def unsuspend(call: Call) -> Any:
    installation = _installation(call)
    installation.suspended_at = None
    announce(call.world, installation, "unsuspend")
    call.note("installation", installation.id, what="unsuspended")
    return 204, None


def _asked_repositories(call: Call, installation: Installation) -> set[int] | None:
    """The ids of `repositories` and `repository_ids`; None when neither is given. Raises 422 for one out of reach."""
    names, numbers = call.body.get("repositories"), call.body.get("repository_ids")
    if names is None and numbers is None:
        return None
    reachable = [one for one in call.world.repositories.values() if covers(installation, one)]
    by_name = {one.name.lower(): one.id for one in reachable}
    by_id = {one.id for one in reachable}
    asked = [by_name.get(str(name).lower()) for name in names or []]
    asked += [number if number in by_id else None for number in numbers or []]
    if None in asked:
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return {number for number in asked if number is not None}


def _asked_permissions(call: Call, installation: Installation) -> dict[str, str]:
    asked = call.body.get("permissions")
    if not asked:
        return dict(installation.permissions)
    for name, level in asked.items():
        have = installation.permissions.get(name, "read" if name == "metadata" else "none")
        if level not in access.LEVELS or access.LEVELS.index(level) > access.LEVELS.index(have):
            raise unprocessable("The permissions requested are not granted to this installation.")
    return {**asked, "metadata": "read"}


@route("POST", "/app/installations/{id}/access_tokens")
def mint(call: Call) -> Any:
    """A token for an hour, for some repositories and permissions of the installation."""
    installation = _installation(call)
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    world = call.world
    repositories = _asked_repositories(call, installation)
    permissions = _asked_permissions(call, installation)
    expires = world.now() + TOKEN_LIFE_S
    text = new_token_text(installation.app.id, installation.id, expires)
    world.note_secret("an installation's token", text)
    world.installation_tokens[text] = InstallationToken(text, installation, repositories, permissions, expires)
    selection = installation.selection if repositories is None else "selected"
    answer: dict[str, Any] = {
        "token": text,
        "expires_at": iso(expires),
        "permissions": permissions,
        "repository_selection": selection,
    }
    if repositories is not None:
        chosen = [world.repositories[number] for number in sorted(repositories)]
        answer["repositories"] = [repository_shape(world, one) for one in chosen]
    call.note("token", installation.id, what="minted", permissions=permissions)
    return 201, answer


@route("DELETE", "/installation/token")
def revoke(call: Call) -> Any:
    if not isinstance(call.actor, access.AppHere):
        raise Refusal(401, "Bad credentials")
    call.actor.token.revoked = True
    call.note("token", call.actor.token.installation.id, what="revoked")
    return 204, None


def announce(world: World, installation: Installation, action: str, event: str = "installation", **more: Any) -> None:
    """Send an `installation` or `installation_repositories` event to the App itself."""
    repositories = [one for one in world.repositories.values() if covers(installation, one)]
    payload: dict[str, Any] = {"action": action, "installation": installation_shape(world, installation)}
    if event == "installation":
        payload["repositories"] = [brief(one) for one in repositories]
        payload["requester"] = None
    payload |= more
    payload["sender"] = user_shape(world, installation.account)
    send(world, installation.app, event, payload, installation)


def brief(repository: Any) -> dict[str, Any]:
    """The form of a repository in installation events."""
    return {
        "id": repository.id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
    }
