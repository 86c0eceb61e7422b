"""HTTP to GitHub, and the one place where its answers become values or typed errors.

githubkit carries the requests; its retries, cache and models are switched off, because they repeat writes and refuse
answers of GitHub's own documentation.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from githubkit import GitHub as Kit
from githubkit import UnauthAuthStrategy
from githubkit.exception import RequestError, RequestFailed, RequestTimeout

from shared import limits
from shared.github.answers import NoAnswer, RateLimited, ServerTrouble, refusal_of, words_of
from shared.ports import Clock

TIMEOUT_S = 10.0  # GitHub itself gives up after ten seconds
SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})  # may be repeated without a second effect
API = "https://api.github.com"
GRAPHQL = "/graphql"
NOT_MODIFIED = 304

_SECONDARY = re.compile(r"\bsecondary rate\b|\babuse detection\b", re.IGNORECASE)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer. `body` is parsed JSON (None when empty); `next` holds the query of the next page.

    `etag` names the body for a later conditional request; `left` is how many requests the hour still has (None: not
    said); `date` is GitHub's clock as it wrote it.
    """

    status: int
    body: Any
    next: dict[str, str] | None = field(default=None)
    etag: str = ""
    left: int | None = None
    date: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether a conditional request found what its `etag` names: there is no body then."""
        return self.status == 304


class Wire:
    """Sends one request and waits `timeout_s` for its answer. Keeps connections open, one pool a thread."""

    def __init__(
        self,
        clock: Clock,
        url: str = API,
        *,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._clock = clock
        self.url = url.rstrip("/")
        self._graphql = f"{self.url.removesuffix('/v3')}/graphql"  # a GitHub Enterprise Server: /api/v3, /api/graphql
        self._timeout_s = timeout_s
        self._transport = transport
        self._local = threading.local()

    def send(
        self,
        method: str,
        path: str,
        bearer: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        etag: str = "",
    ) -> Answer:
        """Raises a Refusal, RateLimited, ServerTrouble or NoAnswer; never repeats anything.

        GraphQL's errors come with status 200 and are judged in `graphql.py`. Without a `bearer` nobody is named. With
        an `etag` the answer may be `unchanged`, which costs nothing of the hour's requests
        (docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api).
        """
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": limits.API_VERSION}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if etag:
            headers["If-None-Match"] = etag
        try:
            response = self._kit().request(
                method,
                self._graphql if path == GRAPHQL else f"{self.url}{path}",
                params=dict(params or {}),
                json=json,
                headers=headers,
            )
        except RequestFailed as error:
            raise self._error(method, error.response.raw_response) from error
        except RequestTimeout as error:
            raise NoAnswer(f"no answer in {self._timeout_s:.0f} s", in_doubt=_in_doubt(method, error)) from error
        except RequestError as error:
            what = type(error.exc).__name__
            raise NoAnswer(f"no connection ({what})", in_doubt=_in_doubt(method, error)) from error
        raw = response.raw_response
        left = raw.headers.get("x-ratelimit-remaining", "")
        return Answer(
            raw.status_code,
            None if raw.status_code == NOT_MODIFIED else _json_of(raw),
            _next_of(raw),
            raw.headers.get("etag", ""),
            int(left) if left.isdigit() else None,
            raw.headers.get("date", ""),
        )

    def _kit(self) -> Kit[UnauthAuthStrategy]:
        kit: Kit[UnauthAuthStrategy] | None = getattr(self._local, "kit", None)
        if kit is None:
            kit = Kit(
                UnauthAuthStrategy(),
                base_url=self.url,
                timeout=self._timeout_s,
                auto_retry=False,
                http_cache=False,
                user_agent="persevere",
                transport=self._transport,
                trust_env=urlsplit(self.url).hostname not in ("127.0.0.1", "localhost"),
            )
            self._local.open = contextlib.ExitStack()
            self._local.kit = self._local.open.enter_context(kit)
        return kit

    def _error(self, method: str, response: httpx.Response) -> Exception:
        status, body = response.status_code, _json_of(response)
        limited = self._limit(response, body)
        if limited is not None:
            return limited
        if status >= 500:
            return ServerTrouble(status, in_doubt=method not in ("GET", "HEAD"))
        return refusal_of(status, body)

    def _limit(self, response: httpx.Response, body: Any) -> RateLimited | None:
        """Limits come as 403 or 429, with `retry-after`, with nothing remaining, or with words alone.

        docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
        """
        if response.status_code not in (403, 429):
            return None
        words, _ = words_of(body)
        spoken = bool(_SECONDARY.search(words))
        after = response.headers.get("retry-after", "")
        if after.isdigit():
            return RateLimited(f"GitHub asks to wait: {words}", float(after), secondary=True)
        if response.headers.get("x-ratelimit-remaining") == "0":
            reset = response.headers.get("x-ratelimit-reset", "")
            seconds = int(reset) - self._clock.now() / 1000 + 1 if reset.isdigit() else limits.SECONDARY_LIMIT_WAIT_S
            return RateLimited(f"GitHub asks to wait: {words}", max(1.0, seconds), secondary=spoken)
        if spoken or response.status_code == 429:
            return RateLimited(f"GitHub asks to wait: {words}", limits.SECONDARY_LIMIT_WAIT_S, secondary=True)
        return None


def _in_doubt(method: str, error: RequestError[Any]) -> bool:
    return method not in ("GET", "HEAD") and not isinstance(error.exc, _NEVER_SENT)


def _json_of(response: httpx.Response) -> Any:
    """The body, or None when there is none or when it is no JSON (a proxy's error page)."""
    try:
        return response.json()
    except ValueError:
        return None


def _next_of(response: httpx.Response) -> dict[str, str] | None:
    """The query of `Link: rel="next"`. Only the query: a token must not follow a link to another host."""
    link = response.links.get("next")
    if not link:
        return None
    return {name: values[-1] for name, values in parse_qs(urlsplit(link["url"]).query).items()}
