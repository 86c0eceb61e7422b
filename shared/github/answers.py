"""What GitHub's answers mean to a caller: every refusal has a type, and the words that GitHub used.

`in_doubt` on the retryable ones says whether the request may have taken effect although no good answer came.
"""

from __future__ import annotations

from typing import Any

from shared.errors import Final, Retryable


class Refusal(Final):
    """GitHub said no, and nothing happened. `words` are GitHub's own, `status` is HTTP's (200 for GraphQL)."""

    status = 0

    def __init__(self, words: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(f"GitHub refused: {words}")
        self.words = words
        self.details = details

    def says(self, *parts: str) -> bool:
        """Whether message or details contain one of these, whatever the case."""
        text = " ".join((self.words, *self.details)).lower()
        return any(part.lower() in text for part in parts)


class BadCredentials(Refusal):
    """401: the token is wrong, expired or revoked."""

    status = 401


class Forbidden(Refusal):
    """403 that is no rate limit: a permission is missing, the conversation is locked, the repository is archived."""

    status = 403

    @property
    def permission_missing(self) -> bool:
        return self.says("not accessible by integration", "not accessible by personal access token")

    @property
    def locked(self) -> bool:
        return self.says("locked")


class NotFound(Refusal):
    """404: not there, not yet there, or not for this token."""

    status = 404


class Conflicting(Refusal):
    """409: an empty repository, a head that moved, a merge conflict."""

    status = 409


class Gone(Refusal):
    """410: deleted, or issues are switched off."""

    status = 410


class Unprocessable(Refusal):
    """422: the request is understood and not acceptable."""

    status = 422


class OtherRefusal(Refusal):
    """Any other 4xx."""

    def __init__(self, status: int, words: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(words, details)
        self.status = status


class GraphqlRefusal(Refusal):
    """Errors in a GraphQL answer that have no type of their own here. `kind` is GitHub's `type`."""

    status = 200

    def __init__(self, kind: str, words: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(words, details)
        self.kind = kind


class RateLimited(Retryable):
    """A primary or secondary limit, or our own pacing: nothing happened; come back after `after_s` seconds."""

    in_doubt = False

    def __init__(self, message: str, after_s: float, *, secondary: bool) -> None:
        super().__init__(message, after_s)
        self.secondary = secondary


class ServerTrouble(Retryable):
    """5xx. The request may have taken effect when it was a write."""

    def __init__(self, status: int, *, in_doubt: bool) -> None:
        super().__init__(f"GitHub answered {status}")
        self.status = status
        self.in_doubt = in_doubt


class NoAnswer(Retryable):
    """Nothing came back in time, or the connection broke."""

    def __init__(self, message: str, *, in_doubt: bool) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt


def refusal_of(status: int, body: Any) -> Refusal:
    """The typed refusal of a 4xx answer that is no rate limit."""
    words, details = words_of(body)
    words = words or f"HTTP {status}"
    for kind in (BadCredentials, Forbidden, NotFound, Conflicting, Gone, Unprocessable):
        if kind.status == status:
            return kind(words, details)
    return OtherRefusal(status, words, details)


def words_of(body: Any) -> tuple[str, tuple[str, ...]]:
    """`message` and the texts of `errors[]` of an error body, whatever shape the latter have."""
    if not isinstance(body, dict):
        return "", ()
    errors = body.get("errors")
    details = []
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        if isinstance(error, dict):
            named = " ".join(str(error[key]) for key in ("resource", "field", "code") if error.get(key))
            details.append(str(error.get("message") or named))
        else:
            details.append(str(error))
    return str(body.get("message") or ""), tuple(details)
