"""An App from a manifest: the page that asks whether to make it, the code that comes back, and installing it.

docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest. Whoever looks is signed in as the
first person that was made, or as `?as=<login>`.
"""

import json
import re
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Response

from local.github import access
from local.github.apps import install_app, make_app
from local.github.call import Call, route
from local.github.pages.layout import e, page
from local.github.refusals import Refusal, not_found
from local.github.shapes import app_shape
from local.github.state import Account, App, Repository, World

CODE_LIFE_S = 3600
NAME_MAX = 34
# Events come only with the permission that lets an App see their subject.
NEEDS = {
    "issues": "issues", "issue_comment": "issues", "label": "issues", "pull_request": "pull_requests",
    "pull_request_review": "pull_requests", "pull_request_review_comment": "pull_requests",
    "pull_request_review_thread": "pull_requests", "check_run": "checks", "check_suite": "checks", "push": "contents",
}  # fmt: skip
PERMISSIONS = {"metadata", "contents", "issues", "pull_requests", "checks", "statuses", "actions", "workflows",
               "administration", "members"}  # fmt: skip


def _me(call: Call) -> Account:
    """Who is signed in on these pages."""
    wanted = call.query.get("as")
    people = [one for one in call.world.accounts.values() if one.type == "User"]
    found = next((one for one in people if wanted in (None, one.login)), None)
    if found is None:
        raise not_found()
    return found


def _html(title: str, body: str, status: int = 200) -> Response:
    return Response(page(title, body), status, content_type="text/html; charset=utf-8")


def _refused(problems: list[str]) -> Response:
    listed = "".join(f"<li>{e(one)}</li>" for one in problems)
    return _html("Invalid GitHub App configuration", f"<h1>Invalid GitHub App configuration</h1><ul>{listed}</ul>", 422)


@route("POST", "/settings/apps/new")
def ask_person(call: Call) -> Response:
    return _ask(call, _me(call), "/settings/apps")


@route("POST", "/organizations/{org}/settings/apps/new")
def ask_organization(call: Call) -> Response:
    """Its owners alone: here everybody who is signed in."""
    owner = call.world.account(call.args["org"])
    if owner is None or owner.type != "Organization":
        raise not_found()
    return _ask(call, owner, f"/organizations/{owner.login}/settings/apps")


def _ask(call: Call, owner: Account, at: str) -> Response:
    """The page with the one button. The name may be changed there."""
    text = call.request.form.get("manifest", "")
    manifest = _manifest(text)
    problems = ["the manifest is no JSON object"] if manifest is None else _problems(call.world, manifest)
    if manifest is None or problems:
        return _refused(problems)
    asked = "".join(
        f"<li>{e(name.replace('_', ' '))}: <b>{e(level)}</b></li>"
        for name, level in manifest.get("default_permissions", {}).items()
    )
    state = urlencode({"state": call.query.get("state", "")})
    return _html(
        "Create GitHub App",
        f"<h1>Create GitHub App for @{e(owner.login)}</h1>"
        f'<p class="dim">{e(manifest.get("description", ""))}</p><ul>{asked}</ul>'
        f'<form method="post" action="{e(at)}?{e(state)}"><input type="hidden" name="manifest" value="{e(text)}">'
        f'<p><label>GitHub App name <input name="name" value="{e(manifest["name"])}"></label></p>'
        f'<button class="button" id="create">Create GitHub App for {e(owner.login)}</button></form>',
    )


def _manifest(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _problems(world: World, manifest: dict[str, Any]) -> list[str]:
    """What GitHub refuses a manifest for."""
    name = str(manifest.get("name") or "")
    found = []
    if not name:
        found.append("Name can't be blank")
    if len(name) > NAME_MAX:
        found.append(f"Name is too long (maximum is {NAME_MAX} characters)")
    if name and world.account(f"{_slug(name)}[bot]") is not None:
        found.append("Name is already taken")
    if not manifest.get("url"):
        found.append("Url can't be blank")
    hook = manifest.get("hook_attributes")
    if hook is not None and not hook.get("url"):
        found.append("Hook url can't be blank")
    elif hook is not None and hook.get("active", True) and _is_local(str(hook["url"])):
        found.append("Hook url is not supported because it isn't reachable over the public Internet (localhost)")
    permissions = manifest.get("default_permissions") or {}
    found += [
        f"Default permission records resource is not included: {one}" for one in permissions if one not in PERMISSIONS
    ]
    for event in manifest.get("default_events") or []:
        if event not in NEEDS:
            found.append(f"Default events unsupported: {event}")
        elif NEEDS[event] not in permissions:
            found.append(f"Default events are not supported by permissions: {event}")
    if not manifest.get("redirect_url"):
        found.append("Redirect url can't be blank")
    return found


def _is_local(url: str) -> bool:
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@route("POST", "/settings/apps")
def create_for_person(call: Call) -> Response:
    return _create(call, _me(call))


@route("POST", "/organizations/{org}/settings/apps")
def create_for_organization(call: Call) -> Response:
    owner = call.world.account(call.args["org"])
    if owner is None:
        raise not_found()
    return _create(call, owner)


def _create(call: Call, owner: Account) -> Response:
    """Make it, and send the browser back with a code."""
    manifest = _manifest(call.request.form.get("manifest", ""))
    if manifest is None:
        return _refused(["the manifest is no JSON object"])
    manifest["name"] = call.request.form.get("name") or manifest.get("name")
    problems = _problems(call.world, manifest)
    if problems:
        return _refused(problems)
    hook = manifest.get("hook_attributes") or {}
    app, pem = make_app(
        call.world,
        _slug(manifest["name"]),
        owner,
        name=manifest["name"],
        permissions={**(manifest.get("default_permissions") or {}), "metadata": "read"},
        events=list(manifest.get("default_events") or []),
        hook_url=hook.get("url"),
        hook_active=bool(hook) and bool(hook.get("active", True)),
    )
    code = secrets.token_hex(20)
    call.world.manifest_codes[code] = (app, pem, call.world.now())
    call.note("app", app.id, what="made from a manifest")
    query = urlencode({"code": code} | ({"state": call.query["state"]} if call.query.get("state") else {}))
    back = str(manifest["redirect_url"])
    return Response("", 302, {"Location": f"{back}{'&' if '?' in back else '?'}{query}"})


@route("POST", "/app-manifests/{code}/conversions")
def convert(call: Call) -> Any:
    """The App with its secrets, once, within an hour. Nobody has to be signed in: the code says it all."""
    app, pem, made = call.world.manifest_codes.pop(call.args["code"], (None, "", 0.0))
    if app is None or call.world.now() - made > CODE_LIFE_S:
        raise not_found()
    call.note("app", app.id, what="converted")
    return 201, {
        **app_shape(call.world, app),
        "client_secret": secrets.token_hex(20),
        "webhook_secret": app.webhook_secret if app.hook_active else None,
        "pem": pem,
    }


def _app(call: Call) -> App:
    found = next((one for one in call.world.apps.values() if one.slug == call.args["slug"]), None)
    if found is None:
        raise not_found()
    return found


def _accounts(call: Call) -> list[Account]:
    """Where the person who looks may install: their own account, and organisations with a repository they administer."""
    me = _me(call)
    owned = {
        one.owner.login: one.owner for one in call.world.repositories.values() if access.holds_role(one, me, "admin")
    }
    return list({me.login: me, **owned}.values())


@route("GET", "/apps/{slug}/installations/new")
def choose(call: Call) -> Response:
    """Where, and on which repositories."""
    app = _app(call)
    parts = []
    for account in _accounts(call):
        boxes = "".join(
            f'<li><label><input type="checkbox" name="repository" value="{one.id}"> {e(one.full_name)}</label></li>'
            for one in _of(call.world, account)
        )
        parts.append(
            f'<form class="box" method="post" action="/apps/{e(app.slug)}/installations/new">'
            f'<div class="head">Install on <b>{e(account.login)}</b></div><div class="body">'
            f'<input type="hidden" name="account" value="{e(account.login)}">'
            '<p><label><input type="radio" name="which" value="all" checked> All repositories</label></p>'
            '<p><label><input type="radio" name="which" value="selected"> Only select repositories</label></p>'
            f'<ul>{boxes}</ul><button class="button">Install</button></div></form>'
        )
    return _html(f"Install {app.name}", f"<h1>Install {e(app.name)}</h1>{''.join(parts)}")


def _of(world: World, account: Account) -> list[Repository]:
    return [one for one in world.repositories.values() if one.owner is account]


@route("POST", "/apps/{slug}/installations/new")
def install(call: Call) -> Response:
    """What the button does."""
    app, form = _app(call), call.request.form
    account = call.world.account(form.get("account", ""))
    if account is None or account not in _accounts(call):
        raise Refusal(403, "You may not install an App there.")
    if any(one.app is app and one.account is account for one in call.world.installations.values()):
        raise Refusal(422, "the App is installed there already")
    chosen = {int(one) for one in form.getlist("repository")} & {one.id for one in _of(call.world, account)}
    if form.get("which") == "selected" and not chosen:
        return _html("Install", "<h1>Select at least one repository</h1>", 422)
    installation = install_app(call.world, app, account, chosen if form.get("which") == "selected" else None)
    call.note("installation", installation.id, what="installed")
    return _html(
        f"{app.name} is installed",
        f"<h1>Okay, {e(app.name)} was installed on the @{e(account.login)} account.</h1>",
    )
