"""A client for one repository and one purpose: fresh tokens, paced writes, retries that cannot repeat an effect.

GET, HEAD, PUT and DELETE are repeated on 5xx and lost answers within seconds; POST and PATCH never. A 404 is asked
again for some seconds where a webhook has just named the object (`fresh`), since GitHub's replicas lag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared import limits
from shared.domain.people import Repository
from shared.github.answers import BadCredentials, NoAnswer, NotFound, RateLimited, ServerTrouble
from shared.github.pacing import PACED, Bucket, Pace, Pacing, Patience
from shared.github.wire import GRAPHQL, SAFE, Answer, Wire
from shared.ports import Clock, Store, Tokens

RETRY_S = (0.25, 1.0)
FRESH_S = (0.5, 1.0, 1.5, 2.0)
PATIENCE_S = 35.0
PAGES_MAX = 50


class GitHub:
    """Our calls on one repository.

    `wrote` tells whether something may have been made (POST) since it was last cleared. Other methods say what shall
    be, so repeating them is harmless.
    """

    def __init__(
        self,
        wire: Wire,
        tokens: Tokens,
        clock: Clock,
        *,
        purpose: str,
        installation_id: int,
        repository: Repository,
        pacing: Pacing,
        patience: Patience,
    ) -> None:
        self._wire = wire
        self._tokens = tokens
        self._clock = clock
        self._who = (purpose, installation_id, repository.id)
        self._pacing = pacing
        self._patience = patience
        self.repository = repository
        self.wrote = False

    def path(self, *parts: str | int) -> str:
        """`/repos/<owner>/<name>/<parts>`, each part quoted but for its slashes (a ref or a file path has them)."""
        return "/".join([f"/repos/{self.repository.full_name}", *(quote(str(part), safe="/") for part in parts)])

    # --- reading ---------------------------------------------------------------------------------------------

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, fresh: bool = False) -> Any:
        """The parsed body. Raises Refusal, RateLimited, ServerTrouble, NoAnswer, TokenRefused."""
        return self._repeat("GET", path, params=params, fresh=fresh).body

    def find(self, path: str, params: Mapping[str, Any] | None = None, *, fresh: bool = False) -> Any | None:
        """Like `get`, but None for a 404."""
        try:
            return self.get(path, params, fresh=fresh)
        except NotFound:
            return None

    def look(self, path: str, params: Mapping[str, Any] | None = None, *, etag: str = "") -> Answer:
        """One page, unless it is still what `etag` names. Raises as `get`."""
        return self._repeat("GET", path, params=params, etag=etag)

    def pages(self, path: str, params: Mapping[str, Any] | None = None, *, items: str = "") -> Iterator[Any]:
        """Every entry of a list, page by page. `items` names the list in answers that wrap it."""
        query: dict[str, Any] = {"per_page": limits.PAGE_MAX, **(params or {})}
        for _ in range(PAGES_MAX):
            answer = self._repeat("GET", path, params=query)
            yield from answer.body[items] if items else answer.body
            if answer.next is None:
                return
            query = query | answer.next

    # --- writing ---------------------------------------------------------------------------------------------

    def post(self, path: str, json: Any, *, notifying: bool = False, fresh: bool = False) -> Answer:
        """Sent once (again only after a 401, or with `fresh` a 404). Raises as `get`."""
        return self._write("POST", path, json, notifying=notifying, fresh=fresh)

    def patch(self, path: str, json: Any, *, notifying: bool = False) -> Answer:
        return self._write("PATCH", path, json, notifying=notifying)

    def put(self, path: str, json: Any, *, notifying: bool = False) -> Answer:
        return self._write("PUT", path, json, notifying=notifying)

    def delete(self, path: str) -> Answer:
        return self._write("DELETE", path, None)

    def ask(self, query: str, variables: Mapping[str, Any], *, write: bool) -> Any:
        """The raw answer of GraphQL (`data` and `errors`; `graphql.py` judges them)."""
        body = {"query": query, "variables": dict(variables)}
        if write:
            return self._write("POST", GRAPHQL, body).body
        return self._authorised("POST", GRAPHQL, json=body).body

    def limited(self, limit: RateLimited) -> None:
        """A limit was met: everybody of this installation waits."""
        self._pacing.hold(limit.after_s)

    # --- how ---------------------------------------------------------------------------------------------------

    def _write(self, method: str, path: str, json: Any, *, notifying: bool = False, fresh: bool = False) -> Answer:
        self._pacing.turn(self._patience, notifying=notifying)
        try:
            answer = self._repeat(method, path, json=json, fresh=fresh)
        except (ServerTrouble, NoAnswer) as trouble:
            self.wrote = self.wrote or (method == "POST" and trouble.in_doubt)
            raise
        self.wrote = self.wrote or method == "POST"
        return answer

    def _repeat(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        fresh: bool = False,
        etag: str = "",
    ) -> Answer:
        retries, waits = list(RETRY_S), list(FRESH_S if fresh else ())
        while True:
            try:
                return self._authorised(method, path, params=params, json=json, etag=etag)
            except (ServerTrouble, NoAnswer):
                if method not in SAFE or not retries:
                    raise
                self._clock.wait(retries.pop(0))
            except NotFound:
                if not waits:
                    raise
                self._clock.wait(waits.pop(0))
            except RateLimited as limit:
                self.limited(limit)
                raise

    def _authorised(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        etag: str = "",
    ) -> Answer:
        """One request; a 401 drops the token and asks once more with a new one."""
        asked: dict[str, Any] = {"params": params, "json": json} | ({"etag": etag} if etag else {})
        token = self._tokens.token(*self._who)
        try:
            return self._wire.send(method, path, token.value, **asked)
        except BadCredentials:
            self._tokens.drop(token)
            return self._wire.send(method, path, self._tokens.token(*self._who).value, **asked)


@dataclass(frozen=True, slots=True)
class GitHubs:
    """Makes clients. `store` holds the pacing record that all processes share."""

    wire: Wire
    tokens: Tokens
    clock: Clock
    store: Store
    pace: Pace = PACED

    def patience(self, seconds: float = PATIENCE_S, until: int | None = None) -> Patience:
        """For one invocation; hand the same one to all its clients. No write begins after `until` (UTC ms)."""
        return Patience(self.clock, seconds, until)

    def client(
        self, purpose: str, installation_id: int, repository: Repository, patience: Patience | None = None
    ) -> GitHub:
        """Raises KeyError, at the first request, for a purpose that is not in `purposes.py`."""
        return GitHub(
            self.wire,
            self.tokens,
            self.clock,
            purpose=purpose,
            installation_id=installation_id,
            repository=repository,
            pacing=Bucket(self.store, self.clock, installation_id, self.pace),
            patience=patience or self.patience(),
        )
