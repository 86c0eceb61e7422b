"""Who is calling, and what GitHub lets them do."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from local.github.refusals import Refusal, forbidden_to_integration, not_found
from local.github.state import Account, App, InstallationToken, Repository, World

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
LEVELS = ("none", "read", "write", "admin")
JWT_LIFETIME_S = 600


@dataclass(frozen=True, eq=False)
class Anonymous:
    """No credentials: public reads only."""

    account: None = None
    app: None = None
    name: str = "-"


@dataclass(frozen=True, eq=False)
class Person:
    """A person with a personal token."""

    account: Account
    app: None = None

    @property
    def name(self) -> str:
        return self.account.login


@dataclass(frozen=True, eq=False)
class AppItself:
    """An App that signed a JWT: it may ask about itself and mint tokens, nothing else."""

    app: App
    account: None = None

    @property
    def name(self) -> str:
        return self.app.slug


@dataclass(frozen=True, eq=False)
class AppHere:
    """An App through an installation token: acts as `<slug>[bot]`."""

    token: InstallationToken

    @property
    def app(self) -> App:
        return self.token.installation.app

    @property
    def account(self) -> Account:
        return self.app.bot

    @property
    def name(self) -> str:
        return self.account.login


Actor = Anonymous | Person | AppItself | AppHere


def identify(world: World, authorization: str | None) -> Actor:
    """Read an `Authorization` header (token, Bearer, Basic). Raises the 401 that GitHub gives."""
    if not authorization:
        return Anonymous()
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip()
    if scheme.lower() == "basic":
        credential = _password(credential)
    elif scheme.lower() not in ("token", "bearer"):
        raise Refusal(401, "Bad credentials")
    if credential.startswith("eyJ"):
        return AppItself(_app_of_jwt(world, credential))
    if (person := world.tokens.get(credential)) is not None:
        return Person(person)
    token = world.installation_tokens.get(credential)
    if token is None or token.revoked or token.expires_at <= world.now():
        raise Refusal(401, "Bad credentials")
    if token.installation.id not in world.installations:
        raise Refusal(401, "Bad credentials")
    if token.installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    return AppHere(token)


def _password(credential: str) -> str:
    try:
        pair = base64.b64decode(credential, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(401, "Bad credentials") from error
    user, _, password = pair.partition(":")
    return password if password not in ("", "x-oauth-basic") else user


def _app_of_jwt(world: World, token: str) -> App:
    """Check an App's JWT as GitHub does: RS256, `iss` app id or client id, `iat` past, `exp` within 10 minutes."""
    import jwt

    undecodable = Refusal(401, "A JSON web token could not be decoded")
    try:
        claimed: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        algorithm = jwt.get_unverified_header(token).get("alg")
    except jwt.PyJWTError as error:
        raise undecodable from error
    issuer = str(claimed.get("iss", ""))
    app = next((app for app in world.apps.values() if issuer in (str(app.id), app.client_id)), None)
    if not issuer:
        raise Refusal(401, "Missing 'issuer' claim ('iss') in assertion")
    if app is None:
        raise Refusal(404, "Integration not found")
    if algorithm != "RS256":
        raise undecodable
    off = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
    try:
        jwt.decode(token, app.public_key, algorithms=["RS256"], options=off)  # type: ignore[arg-type]
    except jwt.PyJWTError as error:
        raise undecodable from error
    now = world.now()
    issued, expires = claimed.get("iat"), claimed.get("exp")
    if not isinstance(issued, int) or issued > now + 5:
        raise Refusal(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
    if not isinstance(expires, int | float) or expires <= now:
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
            "assertion expires",
        )
    if expires > now + JWT_LIFETIME_S:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    world.note_secret("an App token", token)
    return app


def role_of(repository: Repository, account: Account) -> str:
    """The fine role (or custom role name) that an account has; `read` for anybody on a public repository."""
    if account is repository.owner:
        return "admin"
    given = repository.roles.get(account.login.lower())
    if given is None:
        return "none" if repository.private else "read"
    return given


def base_role(repository: Repository, role: str) -> str:
    """The built-in role that a custom role is built on."""
    return repository.custom_roles.get(role, role)


def holds_role(repository: Repository, account: Account, wanted: str) -> bool:
    role = base_role(repository, role_of(repository, account))
    return ROLES.index(role) >= ROLES.index(wanted)


def token_covers(token: InstallationToken, repository: Repository) -> bool:
    """Whether an installation token reaches this repository."""
    from local.github.state import covers

    if not covers(token.installation, repository):
        return False
    return token.repository_ids is None or repository.id in token.repository_ids


def _grants(token: InstallationToken, need: str) -> bool:
    """`need` is `issues:write`, or alternatives joined by `|`; every token has `metadata: read`."""
    for one in need.split("|"):
        permission, _, level = one.partition(":")
        have = token.permissions.get(permission, "read" if permission == "metadata" else "none")
        if LEVELS.index(have) >= LEVELS.index(level or "read"):
            return True
    return False


def may_see(actor: Actor, repository: Repository) -> bool:
    """Whether the caller may know that the repository exists."""
    match actor:
        case Person(account=account):
            return holds_role(repository, account, "read")
        case AppHere(token=token):
            return not repository.private or token_covers(token, repository)
        case _:
            return not repository.private


def authorize(actor: Actor, repository: Repository, need: str, role: str = "read") -> None:
    """Raise what GitHub answers when this caller lacks the permission (Apps) or the role (people).

    Public data is readable without a permission; a write never is.
    """
    if not may_see(actor, repository):
        raise not_found()
    writes = any(one.endswith((":write", ":admin")) for one in need.split("|"))
    match actor:
        case Anonymous():
            if writes:
                raise Refusal(401, "Requires authentication")
        case AppItself():
            raise forbidden_to_integration()
        case Person(account=account):
            if not holds_role(repository, account, role):
                raise Refusal(403, f"Must have {role if role != 'write' else 'push'} access to repository")
        case AppHere(token=token):
            if not writes and not repository.private:
                return
            if not token_covers(token, repository) or not _grants(token, need):
                raise forbidden_to_integration()


def has_permission(actor: Actor, repository: Repository, need: str) -> bool:
    """Whether an App's token has this permission here; people are asked by role instead."""
    return isinstance(actor, AppHere) and token_covers(actor.token, repository) and _grants(actor.token, need)
