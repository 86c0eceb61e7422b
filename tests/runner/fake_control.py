"""A control plane with state, for the runner's tests: it keeps what a runner said and answers from a script.

Faults are put into `faults`: `{(method, path): [answer, …]}`, each used once before the real answer is given.
"""

import contextlib
import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from shared.domain.protocol import BODY_MAX_BYTES, Change, Changeset, Finish, Observation, StepResults, decode

Answer = tuple[int, dict[str, Any]]


def refusal(status: int, code: str, **more: Any) -> Answer:
    return status, {"code": code, "message": f"says {code}", **more}


def call(number: str, tool: str, **args: Any) -> dict[str, Any]:
    return {"id": number, "tool": tool, "args": args}


@dataclass
class FakeControl:
    """`replies` are the calls of step `first_step` and on. `orders` are given at each heartbeat from `orders_from` on."""

    claimed: dict[str, Any]
    replies: list[list[dict[str, Any]]] = field(default_factory=list)
    first_step: int = 0
    faults: dict[tuple[str, str], list[Answer]] = field(default_factory=lambda: defaultdict(list))
    orders_when: Callable[["FakeControl"], list[str]] = lambda self: []
    nonces: list[str] = field(default_factory=list)
    self_test: dict[str, Any] = field(default_factory=dict)
    steps: dict[int, StepResults] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    beats: list[dict[str, Any]] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    finished: Finish | None = None
    revoked: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    stopped_at: float = 0.0
    finished_at: float = 0.0
    url: str = ""
    breaks_off: int = 0
    """So many downloads end after half of their bytes."""
    puts: list[tuple[int, bytes]] = field(default_factory=list)
    """Answers to uploads before the real ones."""

    def __enter__(self) -> Self:
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                status, answer = control.answer(self.command, self.path, dict(self.headers), body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has left
                    if self.path.startswith("/get/") and control.breaks_off > 0:
                        control.breaks_off -= 1
                        self.wfile.write(data[: len(data) // 2])
                        self.close_connection = True
                        return
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815  # names of http.server

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- answers ----------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.seen.append((method, path))
        if faults := self.faults.get((method, path)):
            return faults.pop(0)
        if path.startswith("/put/"):
            return self._keep(path.removeprefix("/put/"), body)
        if path.startswith("/get/"):
            return 200, self.blobs[path.removeprefix("/get/")]
        if (method, path) == ("DELETE", "/installation/token"):
            self.revoked.append(headers.get("Authorization", ""))
            return 204, b""
        if path != "/v1/claim" and headers.get("Authorization") != "Bearer session":
            return refusal(401, "bad_token")
        if len(body) > BODY_MAX_BYTES:
            return refusal(413, "too_big", message=f"a body of {len(body)} bytes")
        return self._protocol(method, path, json.loads(body))

    def _protocol(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        match method, path.removeprefix("/v1/").split("/"):
            case "POST", ["claim"]:
                self.nonces.append(body["nonce"])
                self.self_test = body["self_test"]
                return 200, {"token": "session", "epoch": 1, **self.claimed}
            case "POST", ["heartbeat"]:
                self.beats.append(body)
                return 200, {"orders": self.orders_when(self)}
            case "PUT", ["steps", number]:
                return self._step(int(number), StepResults.model_validate(body))
            case "POST", ["begin"]:
                self.begun.append(body["step"])
                return 200, {}
            case "POST", ["blobs"]:
                key = f"1/job/{body['sha256']}"
                self.kinds[key] = body["kind"]
                if body["sha256"] in self.blobs:
                    return 200, {"key": key, "have": True}
                return 200, {"key": key, "put": f"{self.url}/put/{body['sha256']}", "headers": {"X-Grant": "1"}}
            case "POST", ["evidence"]:
                self.observations += [Observation.model_validate(each) for each in body["observations"]]
                return 200, {}
            case "POST", ["finish"]:
                self.finished = Finish.model_validate(body)
                self.finished_at = time.monotonic()
                return 200, {}
        return refusal(404, "not_found")

    def _step(self, number: int, results: StepResults) -> tuple[int, Any]:
        self.asked.append(number)
        self.steps[number] = results
        at = number - self.first_step
        if at >= len(self.replies):
            return 200, {"step": number, "over": "gave_up", "why": "the script is at its end"}
        return 200, {"step": number, "text": "", "calls": self.replies[at]}

    def _keep(self, sha256: str, body: bytes) -> tuple[int, Any]:
        if self.puts:
            return self.puts.pop(0)
        if hashlib.sha256(body).hexdigest() != sha256:
            return refusal(422, "bad_request")
        self.blobs[sha256] = body
        return 200, b""

    # --- what was said ----------------------------------------------------------------------------------

    @property
    def end(self) -> Finish:
        assert self.finished is not None, "the runner said no last word"
        return self.finished

    def blob(self, key: str | None) -> bytes:
        assert key is not None
        return self.blobs[key.rpartition("/")[2]]

    def changeset(self) -> Changeset:
        return decode(self.blob(self.end.changeset))

    def changes(self) -> dict[str, Change]:
        return {each.shown: each for each in self.changeset().changes}

    def results(self, step: int) -> list[tuple[str, str]]:
        """(status, text) of the results posted with that step."""
        return [(each.status, each.text) for each in self.steps[step].results]

    def seen_at(self, criterion: str, side: str) -> Observation:
        (found,) = [each for each in self.observations if (each.criterion, each.side) == (criterion, side)]
        return found
