"""Tokens from GitHub by the App's key. Nothing else in the project reads that key.

A token is for one repository and one purpose, is kept until ten minutes before its end, and is opaque: no length, no
form (GitHub changed both in 2026).
"""

from __future__ import annotations

from datetime import datetime

import jwt

from shared import limits
from shared.errors import NotConfigured
from shared.github.answers import BadCredentials, Forbidden, NotFound, Refusal, Unprocessable
from shared.github.purposes import GIVEN_AWAY, permissions_of
from shared.github.wire import Wire
from shared.ports import Clock, Ids, Token, TokenRefused

MARGIN_MS = 10 * 60 * 1000
BACKDATED_S = 60  # GitHub refuses a token of the future; clocks drift
GOOD_FOR_S = 540

_Who = tuple[str, int, int]


class AppTokens:
    """`Tokens` by the App's private key (PEM; escaped line ends are taken too). `issuer` is client id or App id."""

    def __init__(self, wire: Wire, clock: Clock, ids: Ids, issuer: str, key: str) -> None:
        if not issuer or "PRIVATE KEY" not in key:
            raise NotConfigured("the GitHub App's id or key is missing", "set App id and private key (PEM)")
        self._wire = wire
        self._clock = clock
        self._ids = ids
        self._issuer = issuer
        self._key = key.replace("\\n", "\n")
        self._kept: dict[_Who, Token] = {}

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        """Raises TokenRefused with advice, Retryable, KeyError for an unknown purpose."""
        who = (purpose, installation_id, repository_id)
        kept = self._kept.get(who)
        if kept is not None and kept.expires - MARGIN_MS > self._clock.now():
            return kept
        minted = self._mint(purpose, installation_id, repository_id)
        if purpose not in GIVEN_AWAY:
            self._kept[who] = minted
        return minted

    def drop(self, token: Token) -> None:
        for who, kept in list(self._kept.items()):
            if kept.value == token.value:
                self._kept.pop(who, None)

    def drop_installation(self, installation_id: int) -> None:
        """Its permissions or repositories changed: no kept token says so."""
        for who in [who for who in self._kept if who[1] == installation_id]:
            self._kept.pop(who, None)

    def revoke(self, token: Token) -> None:
        """End a token before its time. One that has ended already is fine."""
        self.drop(token)
        try:
            self._wire.send("DELETE", "/installation/token", token.value)
        except BadCredentials:
            return

    def listing(self, installation_id: int) -> Token:
        """A token that can name an installation's repositories, and do nothing with them. Raises as `token`."""
        path = f"/app/installations/{installation_id}/access_tokens"
        wish = {"permissions": {"metadata": "read"}}
        try:
            body = self._wire.send("POST", path, self.app_jwt(), json=wish).body
        except Refusal as refusal:
            raise _refused(refusal, "listing") from refusal
        return Token(str(body["token"]), _milliseconds(str(body["expires_at"])))

    def app_jwt(self) -> str:
        """Proof that we are the App. `jti` keeps two that are signed in one second apart (one of them got a 404)."""
        now = self._clock.now() // 1000
        claims = {
            "iat": now - BACKDATED_S,
            "exp": now + min(GOOD_FOR_S, limits.APP_JWT_MAX_S),
            "iss": self._issuer,
            "jti": self._ids.secret(),
        }
        try:
            return jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise NotConfigured("the GitHub App's private key cannot be read", "set it again, as a PEM text") from error

    def _mint(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        path = f"/app/installations/{installation_id}/access_tokens"
        wish = {"repository_ids": [repository_id], "permissions": permissions_of(purpose)}
        for last in (False, True):
            try:
                body = self._wire.send("POST", path, self.app_jwt(), json=wish).body
                return Token(str(body["token"]), _milliseconds(str(body["expires_at"])))
            except (BadCredentials, NotFound) as refusal:
                if last:
                    raise _refused(refusal, purpose) from refusal
            except Refusal as refusal:
                raise _refused(refusal, purpose) from refusal
        raise AssertionError("unreachable")


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _refused(refusal: Refusal, purpose: str) -> TokenRefused:
    needs = {} if purpose == "listing" else permissions_of(purpose)
    wanted = ", ".join(f"{name}: {level}" for name, level in needs.items() if name != "metadata")
    match refusal:
        case BadCredentials():
            advice = "The App's id and private key do not belong together, or this machine's clock is wrong."
        case NotFound():
            advice = "The App is not installed here any more. Install it again from its page on GitHub."
        case Forbidden() if refusal.says("suspended"):
            advice = "The installation is suspended. Unsuspend it in the account's settings, under GitHub Apps."
        case Unprocessable() if refusal.says("repositor"):
            advice = "The App may not see this repository. Add it in the installation's settings on GitHub."
        case Unprocessable():
            advice = f"The App needs {wanted}. Set that in the App's settings, then accept it in the installation's settings."
        case _:
            advice = "Look at the App's installation settings on GitHub."
    return TokenRefused(f"no token for {purpose}: {refusal.words}", advice)
