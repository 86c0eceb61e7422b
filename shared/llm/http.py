"""A streamed answer over plain HTTP, for providers that are spoken to without a client of their own.

`requests` is here already (GitHub's and the runner's calls), and costs a tenth of what a client costs to import.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

from shared.llm.access import Access
from shared.llm.events import Broken, events, legible
from shared.llm.provider_errors import BROKEN, CONNECT, SILENT, Trouble, check_stream, fail, trouble_of
from shared.ports import Answer


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is asked. `name` is `<provider>:<model>`."""

    name: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    access: Access


def speak(
    place: Place,
    body: Mapping[str, Any],
    deadline_s: float,
    alive: Callable[[], None],
    read: Callable[[Iterator[dict[str, Any]], Mapping[str, str]], Answer],
) -> Answer:
    """One question; `read` makes the answer of its events and its headers (which ignore letter case). What breaks is raised
    as the table of errors says.
    """
    until = time.monotonic() + deadline_s
    try:
        with _streamed(place, body, until, alive) as (stream, headers), legible():
            return read(stream, headers)
    except Broken as broken:
        fail(broken.trouble, place.name, place.access.key)


@contextmanager
def _streamed(
    place: Place, body: Mapping[str, Any], until: float, alive: Callable[[], None]
) -> Iterator[tuple[Iterator[dict[str, Any]], Mapping[str, str]]]:
    """The events of one POST, and the answer's headers. `until` is a time of `time.monotonic`. Raises Broken; redirects are
    not followed.
    """
    try:
        with requests.post(
            place.url,
            json=body,
            headers=dict(place.headers),
            stream=True,
            allow_redirects=False,
            timeout=(place.access.connect_s, place.access.silent_s),
        ) as response:
            if response.status_code != 200:
                raise Broken(trouble_of(response.status_code, response.headers, _said(response)))
            wrong = check_stream(response.status_code, response.headers)
            if wrong is not None:
                raise Broken(wrong)
            yield events(response.iter_content(chunk_size=None), alive, until), response.headers
    except requests.RequestException as error:
        raise Broken(_trouble(error)) from error


def _said(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text[:1000]


def _trouble(error: requests.RequestException) -> Trouble:
    """Whether the request was sent at all is inside: `requests` wraps what urllib3 raised, which wraps its own reason."""
    inner: Any = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return Trouble(0, CONNECT, type(reason).__name__)
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return Trouble(0, CONNECT, str(reason)[:200])
    if isinstance(error, ValueError):  # an address or a header that cannot be: it was never sent
        return Trouble(400, "", str(error)[:200])
    silent = isinstance(error, requests.ReadTimeout) or isinstance(inner, ReadTimeoutError)
    return Trouble(0, SILENT if silent else BROKEN, type(error).__name__)
