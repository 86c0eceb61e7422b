"""The HTTP of the scripted provider: one POST a question, streamed as events, with faults where one was ordered.

Of the standard library, because a fault has to be able to drop a connection in mid-answer.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any, Self

from local.model_server import anthropic_format, chat_format, gemini_format, openai_format
from local.model_server.refusal import Refused
from local.model_server.script import NothingLeft, speak
from local.scripted_model import Line

KEY = "scripted-key"
KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key")
MODEL = "scripted"
"""What every model's name here begins with."""
PATHS: Mapping[str, str] = {"anthropic": "", "openai": "/v1", "gemini": "", "compatible": "/v1"}
"""What a provider's base URL has behind the server's address."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the next question instead of (or with) its answer.

    kind: a status, or one of the problems of `refusal`; disconnect, truncate, garbled, silent (within the stream),
    broken_off (the stream tells of a failure), no_usage, page (it says that it is one), flex (Gemini's header names
    that tier).
    """

    kind: str
    retry_after: str | None = None
    silent_s: float = 0.0


@dataclass
class Desk:
    """What is shared by the requests: the conversation, the faults still to come, and what was asked."""

    lines: Sequence[Line]
    faults: list[Fault] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.pop(0) if self.faults else None


def format_of(path: str) -> ModuleType | None:
    path = path.partition("?")[0]
    if path == "/v1/messages":
        return anthropic_format
    if path == "/v1/responses":
        return openai_format
    if path == "/v1/chat/completions":
        return chat_format
    return gemini_format if path.startswith("/v1beta/models/") and path.endswith(":streamGenerateContent") else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    desk: Desk

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        spoken_in = format_of(self.path)
        if spoken_in is None:
            self._whole(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        fault = self.desk.next_fault()
        try:
            events = self._events(spoken_in, body, fault)
        except Refused as refused:
            self._refuse(spoken_in, refused, fault)
            return
        self._stream(spoken_in, list(events), fault)

    def _events(self, spoken_in: ModuleType, body: dict[str, Any], fault: Fault | None) -> Iterator[dict[str, Any]]:
        """Raises Refused."""
        with self.desk.lock:
            self.desk.asked.append(body)
        if not any(KEY in self.headers.get(name, "") for name in KEY_HEADERS):
            raise Refused("key")
        model = body.get("model") or self.path.rpartition("/")[2].partition(":")[0]
        if not model.startswith(MODEL):
            raise Refused("model")
        if fault is not None and (fault.kind.isdigit() or fault.kind in {"key", "model", "too_long", "spend_cap"}):
            raise Refused(fault.kind)
        try:
            spoken_in.check(body, self.headers)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("wrong", f"{type(error).__name__}: {error}") from error
        try:
            spoken = speak(self.desk.lines, spoken_in.told(body), body, tools=bool(body.get("tools")))
        except NothingLeft as nothing:
            raise Refused("nothing_left", "the conversation file has no further answer") from nothing
        events: Iterator[dict[str, Any]] = spoken_in.events(
            spoken, body, bill=fault is None or fault.kind != "no_usage"
        )
        return events

    def _refuse(self, spoken_in: ModuleType, refused: Refused, fault: Fault | None) -> None:
        error = spoken_in.error(refused)
        status = error["error"].get("code") if spoken_in is gemini_format else refused.status
        headers = {"retry-after": fault.retry_after} if fault is not None and fault.retry_after else {}
        self._whole(status, error, headers)

    def _whole(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, spoken_in: ModuleType, events: list[dict[str, Any]], fault: Fault | None) -> None:
        self.send_response(200)
        kind = fault.kind if fault is not None else ""
        self.send_header("content-type", "text/html" if kind == "page" else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        if spoken_in is gemini_format:
            self.send_header("X-Gemini-Service-Tier", "flex" if kind == "flex" else "standard")
        self.end_headers()
        for place, event in enumerate(events):
            if place == len(events) // 2 and kind not in {"", "no_usage", "page", "flex"}:
                if kind == "disconnect":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if kind == "garbled":
                    self._chunk(b'data: {"type": "content_block_de\n\n')
                if kind == "broken_off":
                    self._chunk(_event(spoken_in.broken_off("Overloaded")))
                if kind == "silent" and fault is not None:
                    time.sleep(fault.silent_s)
                if kind in {"truncate", "broken_off"}:
                    break
            self._chunk(_event(event))
        else:
            if spoken_in is chat_format:
                self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was asked is in the desk."""


def _event(event: Mapping[str, Any]) -> bytes:
    head = f"event: {event['type']}\n" if "type" in event else ""
    return f"{head}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may leave in mid-answer; whatever else goes wrong is shown."""
        import sys

        if not isinstance(sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@dataclass
class ModelServer:
    """A context: a server on a free port of loopback, or on the one that is named."""

    desk: Desk
    port: int = 0
    _stop: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def base_url(self, provider: str) -> str:
        return self.url + PATHS[provider]

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"desk": self.desk})
        server = _Server(("127.0.0.1", self.port), handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._stop = stop
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
