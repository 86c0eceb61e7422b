"""What the clients of Anthropic and OpenAI have in common: they are made by one generator, and raise alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from shared.llm.access import Access
from shared.llm.events import Broken
from shared.llm.provider_errors import BROKEN, CONNECT, SILENT, Trouble, check_stream, fail, trouble_of

_NEVER = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def timeout_of(access: Access) -> httpx2.Timeout:
    return httpx2.Timeout(access.silent_s, connect=access.connect_s)


def chunks_of(response: Any) -> Iterator[bytes]:
    """The bytes of a stream. Raises Broken where it is none."""
    wrong = check_stream(response.status_code, response.headers)
    if wrong is not None:
        raise Broken(wrong)
    return iter(response.iter_bytes())


@contextmanager
def speaking(base: type[Exception], name: str, access: Access) -> Iterator[None]:
    """What goes wrong inside is raised as the table of troubles says. `base` is the client's root of its errors.

    A stream that breaks raises errors of the HTTP library itself, which are not below `base`.
    """
    try:
        yield
    except Broken as broken:
        fail(broken.trouble, name, access.key)
    except (base, httpx2.HTTPError, httpx2.InvalidURL) as error:
        fail(_trouble(error), name, access.key)


def _trouble(error: Any) -> Trouble:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return trouble_of(status, error.response.headers, error.body)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, httpx2.HTTPError | httpx2.InvalidURL):
        cause = cause.__cause__
    if isinstance(cause, _NEVER):
        return Trouble(400, "", str(cause))
    if isinstance(cause, _NOT_SENT):
        return Trouble(0, CONNECT, str(cause))
    return Trouble(0, SILENT if isinstance(cause, httpx2.TimeoutException) else BROKEN, str(cause or error))
