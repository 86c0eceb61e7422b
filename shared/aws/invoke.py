"""Functions that are called by functions: the planner on its own, the tokens functions for an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import Final, Retryable
from shared.ports import Clock, Token, TokenRefused

MARGIN_MS = 10 * 60 * 1000


class LambdaPlanner:
    """The `Planner`: an asynchronous call, which Lambda keeps and tries again when it raises."""

    def __init__(self, client: Any, function: str) -> None:
        self._client = client
        self._function = function

    def start(self, issue_pk: str, effect: str) -> None:
        """Idempotent by `effect`. Raises Retryable, Final."""
        _invoke(self._client, self._function, {"issue": issue_pk, "effect": effect}, "Event")


class LambdaTokens:
    """The `Tokens` of a function that has no key: it asks the one that mints for this purpose, and keeps the answer.

    `functions` names the function of each purpose; `given_away` are purposes whose token its taker revokes, so it is
    never kept.
    """

    def __init__(self, client: Any, functions: Mapping[str, str], given_away: frozenset[str], clock: Clock) -> None:
        self._client = client
        self._functions = functions
        self._given_away = given_away
        self._clock = clock
        self._kept: dict[tuple[str, int, int], Token] = {}
        self._dropped: set[tuple[str, int, int]] = set()

    def token(self, purpose: str, installation_id: int, repository_id: int) -> Token:
        """Raises TokenRefused, Retryable, Final; KeyError for a purpose that this function may not have."""
        who = (purpose, installation_id, repository_id)
        kept = self._kept.get(who)
        if kept is not None and kept.expires - MARGIN_MS > self._clock.now():
            return kept
        wish = {"purpose": purpose, "installation_id": installation_id, "repository_id": repository_id}
        if who in self._dropped:
            wish["drop"] = True
        answer = ask(self._client, self._functions[purpose], wish)
        token = Token(str(answer["token"]), int(answer["expires"]))
        self._dropped.discard(who)
        if purpose not in self._given_away:
            self._kept[who] = token
        return token

    def drop(self, token: Token) -> None:
        """Forget it here, and say so to the one who minted it when the next is asked for."""
        for who in [who for who, kept in self._kept.items() if kept.value == token.value]:
            del self._kept[who]
            self._dropped.add(who)


class LambdaDeliveries:
    """The App's delivery log, asked for by the function that has the App's key."""

    def __init__(self, client: Any, function: str) -> None:
        self._client = client
        self._function = function

    def failed(self, since: int) -> list[Mapping[str, Any]]:
        """As `AppDeliveries.failed`. Raises Retryable, Final."""
        rows: list[Mapping[str, Any]] = ask(self._client, self._function, {"deliveries": {"since": since}})["rows"]
        return rows

    def payload(self, delivery_id: int) -> Mapping[str, Any]:
        """As `AppDeliveries.payload`. Raises Retryable, Final."""
        answer: Mapping[str, Any] = ask(self._client, self._function, {"deliveries": {"id": delivery_id}})["payload"]
        return answer


def ask(client: Any, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A call for an answer of the tokens functions. Raises TokenRefused, Retryable, Final."""
    answer: dict[str, Any] = json.loads(_invoke(client, function, event, "RequestResponse") or b"{}")
    if "refused" in answer:
        raise TokenRefused(str(answer["refused"]), str(answer.get("advice", "")))
    if "busy" in answer:
        raise Retryable(str(answer["busy"]), float(answer.get("after_s", 1.0)))
    return answer


def _invoke(client: Any, function: str, event: Mapping[str, Any], kind: str) -> bytes:
    try:
        answer = client.invoke(FunctionName=function, InvocationType=kind, Payload=json.dumps(event).encode())
        payload: bytes = answer["Payload"].read()
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        if code in ("AccessDeniedException", "ResourceNotFoundException"):
            raise Final(f"the function {function} cannot be called: {code}", "run `persevere deploy`") from error
        raise Retryable(f"the function {function} cannot be called now: {code}", after_s=2) from error
    except BotoCoreError as error:
        raise Retryable(f"the function {function} did not answer: {type(error).__name__}", after_s=2) from error
    if answer.get("FunctionError"):  # its words are in its own log; they may hold what is not ours to tell
        raise Retryable(f"the function {function} failed", after_s=5)
    return payload
