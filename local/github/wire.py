"""Small HTTP client of the people and of whoever steers the simulator."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode


class Refused(Exception):
    """An answer of 400 or above: status, JSON body, headers."""

    def __init__(self, status: int, body: Any, headers: dict[str, str]) -> None:
        said = body.get("message") if isinstance(body, dict) else body
        super().__init__(f"{status} {said}")
        self.status = status
        self.body = body
        self.headers = headers


def ask(
    method: str,
    url: str,
    body: Any = None,
    *,
    token: str | None = None,
    query: dict[str, Any] | None = None,
    timeout_s: float = 60.0,
) -> Any:
    """One request; the JSON of the answer, or None. Raises Refused, and URLError when nobody answers."""
    if query:
        url = f"{url}?{urlencode({key: value for key, value in query.items() if value is not None})}"
    headers = {"User-Agent": "simulated-people", "Accept": "application/vnd.github+json"}
    if token:
        headers["Authorization"] = f"token {token}"
    data = None
    if body is not None:
        data = json.dumps(body).encode("utf-8")
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310  (http, loopback)
    try:
        text = _answer(request, timeout_s)
    except urllib.error.HTTPError as error:
        raw = error.read()
        try:
            said = json.loads(raw) if raw else None
        except ValueError:
            said = raw.decode("utf-8", "replace")
        raise Refused(error.code, said, dict(error.headers)) from error
    return json.loads(text) if text else None


def _answer(request: urllib.request.Request, timeout_s: float) -> bytes:
    """Once more where a connection broke off before the first byte of an answer, and nothing can have been done by it: it
    was not sent to its end, or it only looks or steers (RFC 9110, 9.2.2).
    """
    try:
        return _once(request, timeout_s)
    except ConnectionResetError:  # http.client's RemoteDisconnected is one
        if request.get_method() != "GET" and not request.selector.startswith("/_sim/"):
            raise
    except urllib.error.URLError as error:
        if not isinstance(error.reason, BrokenPipeError | ConnectionResetError):
            raise
    return _once(request, timeout_s)


def _once(request: urllib.request.Request, timeout_s: float) -> bytes:
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
        return bytes(answer.read())
