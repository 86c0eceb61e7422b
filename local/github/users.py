"""Accounts: who am I, who is that."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.refusals import forbidden_to_integration, not_found
from local.github.shapes import full_user_shape, installation_shape


@route("GET", "/user")
def get_me(call: Call) -> Any:
    """People only: an App's token has no user."""
    if isinstance(call.actor, access.AppHere):
        raise forbidden_to_integration()
    return full_user_shape(call.world, call.account)


@route("GET", "/users/{login}")
def get_user(call: Call) -> Any:
    """By login; `<slug>[bot]` gives the bot account of an App."""
    account = call.world.account(call.args["login"])
    if account is None:
        raise not_found()
    return full_user_shape(call.world, account)


@route("GET", "/user/{id}")
def get_user_by_id(call: Call) -> Any:
    found = next((a for a in call.world.accounts.values() if str(a.id) == call.args["id"]), None)
    if found is None:
        raise not_found()
    return full_user_shape(call.world, found)


def _installation_of(call: Call) -> Any:
    app = call.app_itself()
    login = call.args["login"].lower()
    for installation in call.world.installations.values():
        if installation.app is app and installation.account.login.lower() == login:
            return installation_shape(call.world, installation)
    raise not_found()


route("GET", "/users/{login}/installation")(_installation_of)
route("GET", "/orgs/{login}/installation")(_installation_of)
