"""What the host answers over HTTP on loopback: the URL doors as Lambda would run them, and the granted blobs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from local.blobs import FileBlobs, UploadRefused
from local.function_url import event_of, response_of
from local.lambda_context import LambdaContext
from local.loopback import serve_at
from shared.limits import FUNCTION_URL_BODY_MAX_BYTES

BLOBS_PATH = "/blobs"

Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(service="host")


@dataclass(frozen=True)
class Door:
    """A function with a URL. `path` begins what it answers."""

    name: str
    path: str
    timeout_s: float
    handler: Handler


class Application:
    """The WSGI application. `blobs` is set when the world is there; before that, and behind the doors, it answers 503."""

    def __init__(self) -> None:
        self._doors: tuple[Door, ...] = ()
        self._blobs: FileBlobs | None = None

    def open(self, doors: Iterable[Door], blobs: FileBlobs) -> None:
        """From now on requests are answered."""
        self._doors, self._blobs = tuple(doors), blobs

    def close(self) -> None:
        """From now on they are turned away, so that senders come again."""
        self._doors, self._blobs = (), None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if self._blobs is None:
            return _plain(503, "not now")
        if request.path.startswith(f"{BLOBS_PATH}/"):
            return self._blob(self._blobs, request)
        door = next(
            (door for door in self._doors if request.path == door.path or request.path.startswith(f"{door.path}/")),
            None,
        )
        if door is None:
            return _plain(404, "nothing is here")
        if (request.content_length or 0) > FUNCTION_URL_BODY_MAX_BYTES:
            return _plain(413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
        event = event_of(request, request.get_data())
        try:
            return response_of(door.handler(event, LambdaContext(door.name, door.timeout_s)))
        except Exception:
            logger.exception("door.failed", function=door.name, path=request.path)
            return _plain(502, "Internal Server Error")

    def _blob(self, blobs: FileBlobs, request: Request) -> Response:
        key = request.path.removeprefix(f"{BLOBS_PATH}/")
        headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
        try:
            match request.method:
                case "PUT":
                    blobs.receive(key, request.args, headers, request.stream)  # type: ignore[arg-type]
                    return Response(status=200)
                case "GET":
                    return Response(blobs.serve(key, request.args), 200, content_type="application/octet-stream")
                case _:
                    return _plain(405, "PUT or GET")
        except UploadRefused as error:
            return _plain(error.status, str(error))
        except ValueError as error:  # no key of a blob
            return _plain(404, str(error))


def _plain(status: int, message: str) -> Response:
    return Response(json.dumps({"Message": message}), status, content_type="application/json")


class _RequestHandler(WSGIRequestHandler):
    """Writes events, not a line a request: an address may hold a grant."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = re.sub(r"\?.*", "", self.path)
        logger.debug("http.answered", method=self.command, path=path, status=str(code), size=str(size))

    def log(self, type: str, message: str, *args: Any) -> None:
        logger.info("http.said", level=type, text=message % args if args else message)


def listen(application: Application, port: int) -> BaseWSGIServer:
    """A server on loopback, a thread a request. Raises OSError where the port is taken."""
    return serve_at(port, application, _RequestHandler)
