"""A streamed answer over plain HTTP, for providers that are spoken to without a client of their own.

`requests` is here already (GitHub's and the runner's calls), and costs a tenth of what a client costs to import.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

from shared.llm.events import Broken, events
from shared.llm.provider_errors import BROKEN, CONNECT, SILENT, Trouble, fail, trouble_of
from shared.llm.providers import Access


@contextmanager
def streamed(
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any],
    access: Access,
    until: float,
    alive: Callable[[], None],
) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of one POST. `until` is a time of `time.monotonic`. Raises Broken; redirects are not followed."""
    try:
        with requests.post(
            url,
            json=body,
            headers=dict(headers),
            stream=True,
            allow_redirects=False,
            timeout=(access.connect_s, access.silent_s),
        ) as response:
            if response.status_code != 200:
                raise Broken(trouble_of(response.status_code, response.headers, _said(response)))
            yield events(response.iter_content(chunk_size=None), alive, until)
    except requests.RequestException as error:
        raise Broken(_trouble(error)) from error


@contextmanager
def telling(name: str, access: Access) -> Iterator[None]:
    """What breaks inside is raised as the table of troubles says."""
    try:
        yield
    except Broken as broken:
        fail(broken.trouble, name, access.key)


def deadline(seconds: float) -> float:
    return time.monotonic() + seconds


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
    silent = isinstance(error, requests.ReadTimeout) or isinstance(inner, ReadTimeoutError)
    return Trouble(0, SILENT if silent else BROKEN, type(error).__name__)
