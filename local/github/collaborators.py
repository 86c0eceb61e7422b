"""Who has which role."""

from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.refusals import Refusal, not_found
from local.github.shapes import permissions_of, user_shape

# The coarse word for a fine role.
_COARSE = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none"}


@route("GET", "/repos/{owner}/{repo}/collaborators/{login}/permission")
def get_permission(call: Call) -> Any:
    """`permission` (admin, write, read, none) and `role_name` (fine, or the name of a custom role)."""
    repository = call.repository()
    if isinstance(call.actor, access.Anonymous):
        raise Refusal(401, "Requires authentication")
    if isinstance(call.actor, access.AppHere) and not access.token_covers(call.actor.token, repository):
        raise Refusal(403, "Resource not accessible by integration")
    if isinstance(call.actor, access.Person) and not access.holds_role(repository, call.actor.account, "write"):
        raise Refusal(403, "Must have push access to view collaborator permission.")
    account = call.world.account(call.args["login"])
    if account is None:
        login = call.args["login"]
        raise Refusal(404, f"{login} is not a user")
    role = access.role_of(repository, account)
    coarse = _COARSE[access.base_role(repository, role)]
    user = {**user_shape(call.world, account), "permissions": permissions_of(repository, account), "role_name": role}
    return {"permission": coarse, "role_name": role, "user": user}


@route("GET", "/repos/{owner}/{repo}/collaborators")
def list_collaborators(call: Call) -> Any:
    repository = call.repository("metadata:read", "write")
    accounts = [call.world.account(login) for login in repository.roles]
    shapes = [
        {
            **user_shape(call.world, account),
            "permissions": permissions_of(repository, account),
            "role_name": access.role_of(repository, account),
        }
        for account in (repository.owner, *accounts)
        if account is not None
    ]
    return call.page(shapes)


@route("GET", "/repos/{owner}/{repo}/collaborators/{login}")
def is_collaborator(call: Call) -> Any:
    repository = call.repository("metadata:read", "write")
    account = call.world.account(call.args["login"])
    if account is None or (account.login.lower() not in repository.roles and account is not repository.owner):
        raise not_found()
    return 204, None
