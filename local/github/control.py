"""`/_sim/…`: what no GitHub has. Make people, repositories and Apps; order trouble; read the ground truth."""

import re
import secrets
from typing import Any

from local.github import git
from local.github.access import ROLES
from local.github.apps import announce, brief, install_app, make_app
from local.github.call import Call, route
from local.github.deliveries import ping
from local.github.planting import plant
from local.github.refusals import not_found, unprocessable
from local.github.shapes import app_shape, full_user_shape, installation_shape, repository_shape
from local.github.state import Account, App, Installation, Repository, node_id

ALL_EVENTS = [
    "issues", "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment",
    "pull_request_review_thread", "check_run", "check_suite", "push",
]  # fmt: skip
ALL_PERMISSIONS = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
}  # fmt: skip


@route("POST", "/_sim/reset")
def reset(call: Call) -> Any:
    """An empty GitHub again; ids go on counting."""
    call.world.courier.reset()
    call.world.forget()
    return {"reset": True}


def _account(call: Call, login: Any) -> Account:
    account = call.world.account(str(login))
    if account is None:
        raise unprocessable(f"there is no account {login}")
    return account


def _repository(call: Call) -> Repository:
    repository = call.world.repository(call.args["owner"], call.args["repo"])
    if repository is None:
        raise not_found()
    return repository


@route("POST", "/_sim/users")
def create_user(call: Call) -> Any:
    """`{login, type: User|Organization, name}` → the account and its personal token. Known login: a further token."""
    login = call.text("login", required=True) or ""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", login):
        raise unprocessable(f"{login} is not a login")
    kind = call.text("type") or "User"
    account = call.world.account(login) or call.world.new_account(login, kind=kind, name=call.text("name"))
    token = call.text("token") or "ghp_" + secrets.token_hex(18)
    if kind == "User":
        call.world.tokens[token] = account
    return 201, {**full_user_shape(call.world, account), "token": token if kind == "User" else None}


@route("POST", "/_sim/repositories")
def create_repository(call: Call) -> Any:
    """`{owner, name, private, plan: free|team, description, default_branch, roles{login: role}, watchers[]}`.

    Content, as the first commit on the default branch: `path` (a directory), `files{path: text | {base64, mode}}`,
    `tar` (base64; `strip` leading folders) or `bundle` (base64, all its branches). None of them: an empty repository.
    """
    world, body = call.world, call.body
    owner, name = _account(call, body.get("owner")), call.text("name", required=True) or ""
    if world.repository(owner.login, name) is not None:
        raise unprocessable("name already exists on this account")
    number = world.next_id("repository")
    path = world.home / f"{number}.git"
    branch = call.text("default_branch") or "main"
    git.init(path, branch)
    now = world.now()
    repository = Repository(number, owner, name, node_id("repository", number), path, now)
    repository.default_branch = branch
    for field in ("private", "plan", "description", "has_issues"):
        if field in body:
            setattr(repository, field, body[field])
    plant(path, body, branch, (owner.login, owner.email, int(now), "+0000"))
    world.repositories[number] = repository
    world.nodes[repository.node_id] = repository
    _set_roles(call, repository)
    return 201, {**repository_shape(world, repository), "git_dir": str(path)}


def _set_roles(call: Call, repository: Repository) -> None:
    body = call.body
    for name, base in (body.get("custom_roles") or {}).items():
        if base not in ROLES:
            raise unprocessable(f"a custom role is built on one of {', '.join(ROLES)}")
        repository.custom_roles[name] = base
    for login, role in (body.get("roles") or {}).items():
        if role not in ROLES and role not in repository.custom_roles:
            raise unprocessable(f"there is no role {role}")
        _account(call, login)
        repository.roles[login.lower()] = role
    if "watchers" in body:
        repository.watchers = {_account(call, login).login for login in body["watchers"]}


@route("PATCH", "/_sim/repositories/{owner}/{repo}")
def configure_repository(call: Call) -> Any:
    """`roles`, `custom_roles`, `watchers`, `rules`, `private`, `plan`, `archived`, `has_issues`, `default_branch`,
    `name`, `apps_may_comment_locked`. `roles{login: "none"}` takes access away."""
    repository = _repository(call)
    fields = ("private", "plan", "archived", "has_issues", "default_branch", "apps_may_comment_locked", "rules")
    for field in fields:
        if field in call.body:
            setattr(repository, field, call.body[field])
    if name := call.text("name"):
        call.world.rename(repository, name)
    _set_roles(call, repository)
    return {**repository_shape(call.world, repository), "roles": repository.roles}


@route("DELETE", "/_sim/repositories/{owner}/{repo}")
def delete_repository(call: Call) -> Any:
    repository = _repository(call)
    del call.world.repositories[repository.id]
    return 204, None


@route("POST", "/_sim/apps")
def create_app(call: Call) -> Any:
    """`{slug, name, owner, permissions, events, hook_url, webhook_secret, pem}` → the App with `pem` and `webhook_secret`.

    Without `pem` it gets a key of its own.
    """
    world = call.world
    slug = call.text("slug", required=True) or ""
    if world.account(f"{slug}[bot]") is not None:
        raise unprocessable("Name is already taken")
    owner = _account(call, call.body["owner"]) if call.body.get("owner") else next(iter(world.accounts.values()), None)
    if owner is None:
        raise unprocessable("make a user first: an App has an owner")
    app, pem = make_app(
        world,
        slug,
        owner,
        name=call.text("name") or slug,
        permissions=dict(call.body.get("permissions") or ALL_PERMISSIONS),
        events=list(call.body.get("events") or ALL_EVENTS),
        hook_url=call.text("hook_url"),
        secret=call.text("webhook_secret"),
        pem=call.text("pem"),
    )
    if app.hook_url:
        ping(call, app)
    return 201, {**app_shape(world, app), "webhook_secret": app.webhook_secret, "pem": pem, "bot_id": app.bot.id}


def _app(call: Call) -> App:
    key = call.args["app"]
    for app in call.world.apps.values():
        if key in (str(app.id), app.slug):
            return app
    raise not_found()


@route("PATCH", "/_sim/apps/{app}")
def configure_app(call: Call) -> Any:
    """`hook_url` (sends a ping), `hook_active`, `webhook_secret`, `permissions`, `events`."""
    app = _app(call)
    for field in ("hook_active", "webhook_secret", "permissions", "events"):
        if field in call.body:
            setattr(app, field, call.body[field])
    if "hook_url" in call.body:
        app.hook_url = call.text("hook_url")
        ping(call, app)
    return app_shape(call.world, app)


@route("POST", "/_sim/apps/{app}/installations")
def install(call: Call) -> Any:
    """`{account, repositories: [names] | "all", permissions}` → the installation; the App gets `installation.created`."""
    world, app = call.world, _app(call)
    account = _account(call, call.body.get("account"))
    if any(one.app is app and one.account is account for one in world.installations.values()):
        raise unprocessable("the App is installed there already")
    wanted = call.body.get("repositories", "all")
    chosen = set() if wanted == "all" else {_named(call, account, name).id for name in wanted}
    installation = install_app(world, app, account, None if wanted == "all" else chosen, call.body.get("permissions"))
    return 201, installation_shape(world, installation)


def _named(call: Call, account: Account, name: str) -> Repository:
    found = call.world.repository(account.login, str(name).rpartition("/")[2])
    if found is None:
        raise unprocessable(f"there is no repository {name}")
    return found


def _installation(call: Call) -> Installation:
    key = call.args["id"]
    found = call.world.installations.get(int(key)) if key.isdigit() else None
    if found is None:
        raise not_found()
    return found


@route("PATCH", "/_sim/installations/{id}")
def configure_installation(call: Call) -> Any:
    """`suspended` (bool), `permissions` (accepted anew), `add` and `remove` (repository names)."""
    world, installation = call.world, _installation(call)
    if "suspended" in call.body:
        installation.suspended_at = world.now() if call.body["suspended"] else None
        announce(world, installation, "suspend" if call.body["suspended"] else "unsuspend")
    if "permissions" in call.body:
        installation.permissions = dict(call.body["permissions"])
        announce(world, installation, "new_permissions_accepted")
    for word, action in (("add", "added"), ("remove", "removed")):
        if call.body.get(word):
            repositories = [_named(call, installation.account, name) for name in call.body[word]]
            ids = {one.id for one in repositories}
            installation.selection = "selected"
            installation.repository_ids = (
                installation.repository_ids | ids if word == "add" else installation.repository_ids - ids
            )
            more: dict[str, Any] = {"repositories_added": [], "repositories_removed": [], "requester": None}
            more[f"repositories_{action}"] = [brief(one) for one in repositories]
            more["repository_selection"] = installation.selection
            announce(world, installation, action, "installation_repositories", **more)
    return installation_shape(world, installation)


@route("DELETE", "/_sim/installations/{id}")
def uninstall(call: Call) -> Any:
    installation = _installation(call)
    announce(call.world, installation, "deleted")
    del call.world.installations[installation.id]
    return 204, None
