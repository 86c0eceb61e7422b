"""Server-sent events of a model's answer, read while they come: who asks stays alive, and nothing goes on for ever.

The format is WHATWG's event stream (html.spec.whatwg.org/multipage/server-sent-events.html), of which models' providers
use `data` alone. Lines are split at line feeds only: other line ends of Unicode may stand inside of JSON.

A body that is one document instead (a proxy that does not stream, an error that comes with 200) counts as one event: it was
billed, or it says that it was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.agent.data import read_json
from shared.llm.provider_errors import GARBLED, HUGE, LATE, Trouble

MAX_BYTES = 32_000_000  # of one answer; a full one with its reasoning has under one million
DONE = "[DONE]"
BOM = b"\xef\xbb\xbf"


class Broken(Exception):
    """The stream is no answer; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@contextmanager
def legible() -> Iterator[None]:
    """An answer is taken to have the shape that its provider describes; one that has not is Broken."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Broken(Trouble(0, GARBLED, f"{type(error).__name__}: {error}"[:200], begun=True)) from error


def events(
    chunks: Iterable[bytes], alive: Callable[[], None], until: float, now: Callable[[], float] = time.monotonic
) -> Iterator[dict[str, Any]]:
    """The JSON objects, until the stream's end or `[DONE]`. `alive` is called for whatever bytes come, pings too.

    `until` is a time of `now`. Raises Broken, and whatever `chunks` raises.
    """
    rest, data, total = b"", list[bytes](), 0
    plain: list[bytes] | None = []  # all lines, until one is of a stream
    for chunk in chunks:
        alive()
        total += len(chunk)
        if now() > until:
            raise Broken(Trouble(0, LATE, begun=True))
        if total > MAX_BYTES:
            raise Broken(Trouble(0, HUGE, begun=True))
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if plain is not None:
                line = line if plain else line.removeprefix(BOM)
                plain.append(line)
            if line.startswith(b"data:"):
                plain = None
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                text, data = b"\n".join(data).decode("utf-8", "replace"), []
                if text == DONE:
                    return
                yield _object(text)
    if plain is not None and not rest.startswith(b"data:"):
        yield from _document(b"\n".join([*plain, rest]))
        return
    if rest.startswith(b"data:"):
        data.append(rest[5:])
    left = b"\n".join(data).strip()  # some servers forget the blank line behind the last event
    if left and left != DONE.encode():
        yield _object(left.decode("utf-8", "replace"))


def _document(body: bytes) -> list[dict[str, Any]]:
    """What a body says that is JSON and no stream; nothing where it is neither."""
    try:
        found = read_json(body.removeprefix(BOM).decode("utf-8", "replace"))
    except ValueError:
        return []
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def _object(text: str) -> dict[str, Any]:
    try:
        found = read_json(text)
    except ValueError as error:
        raise Broken(Trouble(0, GARBLED, f"{error}"[:200], begun=True)) from error
    if not isinstance(found, dict):
        raise Broken(Trouble(0, GARBLED, "an event is no object", begun=True))
    return found
