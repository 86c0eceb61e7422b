"""The HTTP server: finds the handler, holds the lock, turns answers and refusals into GitHub's responses."""

import hashlib
import importlib
import json
import re
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local.github import access, faults
from local.github.call import ROUTES, Call
from local.github.quiet import quiet
from local.github.refusals import Refusal, not_found
from local.github.state import World
from local.github.webhooks import Courier

NOUNS = (
    "apps", "branches", "check_runs", "check_suites", "collaborators", "comments", "commits", "compare", "contents",
    "control", "deliveries", "git_data", "graphql", "issue_events", "issues", "labels", "manifests", "merging", "meta", "orders", "pulls", "reactions", "refs",
    "repositories", "review_comments", "reviews", "users",
)  # fmt: skip
VERSIONS = ("2022-11-28", "2026-03-10")
# Left out of pull requests, issues and repositories by API version 2026-03-10.
REMOVED = {"assignee", "merge_commit_sha", "has_downloads", "master_branch", "use_squash_pr_title_as_default"}


class Handler(WSGIRequestHandler):
    """HTTP/1.1 with keep-alive. The application reads every request to its end, so a connection may go on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Silent: `GET /_sim/log` tells what happened."""

    def run_wsgi(self) -> None:
        """Answer one request and stay open for the next (werkzeug's own closes, after a wait for stray input)."""
        said: list[Any] = []
        environ = self.make_environ()

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Any:
            said.extend((status, headers))

        try:
            content = b"".join(self.server.app(environ, start_response))
        except Exception:  # noqa: BLE001  (what the simulator itself gets wrong is shown, and is a 500 to the caller)
            traceback.print_exc()
            said, content = ["500 Internal Server Error", []], b'{"message": "the simulator failed; see its stderr"}'
        status, headers = said
        code, _, reason = status.partition(" ")
        try:
            self.send_response_only(int(code), reason)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            bare = int(code) in (204, 304)
            if not bare:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not bare and self.command != "HEAD":
                self.wfile.write(content)
        except OSError as error:
            self.connection_dropped(error)
            self.close_connection = True

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Who left in the middle is told on stderr: a test that meets it from the other end shows both ends."""
        sys.stderr.write(f"simulator: the connection from port {self.client_address[1]} broke off: {error!r}\n")


class Application:
    """The WSGI application over one World."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.closed = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if self.closed:
            return Response("gone", 503, {"Connection": "close"})(environ, start_response)
        if re.match(r"/[^/]+/[^/]+\.git/", request.path):
            from local.github.git_http import serve

            return serve(self.world, request)(environ, start_response)
        request.get_data(cache=True)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        """One request to one response; refusals become their JSON."""
        path = re.sub(r"^/api/v3(?=/|$)|^/api(?=/graphql$)", "", request.path).rstrip("/") or "/"
        call = Call(self.world, request, access.Anonymous(), path)
        after: faults.Fault | None = None
        try:
            if path == "/_sim/quiet":
                return self._finish(call, quiet(self.world, float(request.args.get("wait", 0))))
            if path.startswith("/_sim/"):
                return self._finish(call, self._handle(call))
            if not request.headers.get("User-Agent"):
                raise Refusal(403, "Request forbidden by administrative rules. Please make sure your request has a "
                                   "User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api"
                                   "#user-agent-required). Check https://developer.github.com for other possible causes.")  # fmt: skip
            with self.world.lock:
                call.actor = access.identify(self.world, request.headers.get("Authorization"))
                after = faults.take(call)
            if after is not None:
                if after.what == "drop":
                    return self._drop(request)
                faults.before(call, after)
            response = self._finish(call, self._handle(call))
        except Refusal as refusal:
            call.note_refusal(refusal.status, refusal.message, refusal.errors)
            response = self._refuse(call, refusal)
            if after is not None and after.answer is not None:
                response.set_data(json.dumps(after.answer))
        if after is not None and after.what == "drop_after_effect":
            return self._drop(request)
        if after is not None and after.what == "bad_gateway_after_effect":
            return self._refuse(call, Refusal(502, "Server Error"))
        return response

    def _handle(self, call: Call) -> Any:
        with self.world.lock:
            call.path = self._by_number(call)
            found = ROUTES.find(call.request.method, call.path)
            if found is None and call.request.method == "HEAD":
                found = ROUTES.find("GET", call.path)
            if found is None and call.request.method == "GET":
                from local.github.pages.show import show

                return show(self.world, call.path)
            if found is None:
                raise not_found()
            handler, call.args = found
            version = call.request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
            if version not in VERSIONS:
                raise Refusal(400, f"Bad API version: {version}")
            faults.count_content(call)
            answer = handler(call)
            self._log(call)
            return answer

    def _by_number(self, call: Call) -> str:
        """`/repositories/{id}/…` is `/repos/{owner}/{name}/…`, for whoever keeps numbers."""
        match = re.fullmatch(r"/repositories/(\d+)(/.*)?", call.path)
        if match is None:
            return call.path
        repository = self.world.repositories.get(int(match[1]))
        if repository is None:
            raise not_found()
        return f"/repos/{repository.full_name}{match[2] or ''}"

    def _log(self, call: Call) -> None:
        """Every write that landed, whether or not its answer arrives."""
        for noted in call.noted:
            self.world.log.append({
                "n": len(self.world.log) + 1,
                "at": self.world.now(),
                "actor": call.actor.name,
                "app": isinstance(call.actor, access.AppHere | access.AppItself),
                "method": call.request.method,
                "path": call.path,
                **noted,
            })  # fmt: skip

    def _finish(self, call: Call, answer: Any) -> Response:
        if isinstance(answer, Response):
            return answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        response = Response(status=status)
        if body is not None:
            if call.request.headers.get("X-GitHub-Api-Version") == VERSIONS[1]:
                body = _without(body)
            text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
            response.set_data(text)
            response.headers["Content-Type"] = "application/json; charset=utf-8"
            if call.request.method == "GET":
                tag = f'W/"{hashlib.sha256(text).hexdigest()}"'
                response.headers["ETag"] = tag
                if call.request.headers.get("If-None-Match") == tag:
                    response = Response(status=304, headers={"ETag": tag})
        response.headers.extend(call.headers)
        self._common(response)
        return response

    def _refuse(self, call: Call, refusal: Refusal) -> Response:
        response = Response(json.dumps(refusal.body()), refusal.status)
        response.headers["Content-Type"] = "application/json; charset=utf-8"
        self._common(response)
        response.headers.update(refusal.headers)
        return response

    def _common(self, response: Response) -> None:
        response.headers["X-GitHub-Request-Id"] = secrets.token_hex(9).upper()
        response.headers["Date"] = http_date(self.world.now())
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        reset = str(int(self.world.now()) + 3600)
        for name, value in (
            ("Limit", "5000"),
            ("Remaining", "4990"),
            ("Used", "10"),
            ("Reset", reset),
            ("Resource", "core"),
        ):
            response.headers[f"X-RateLimit-{name}"] = value

    def _drop(self, request: Request) -> Response:
        """Close the connection without an answer."""
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
        return Response("", 502, {"Connection": "close"})


def _without(body: Any) -> Any:
    """The body without what the newer API version has dropped."""
    if isinstance(body, dict):
        return {key: _without(value) for key, value in body.items() if key not in REMOVED}
    return [_without(value) for value in body] if isinstance(body, list) else body


class Simulator:
    """A running simulator: `.url`, `.stop()`. The state is reachable over `/_sim/…` only."""

    def __init__(self, world: World, server: BaseWSGIServer, application: Application) -> None:
        self._world = world
        self._server = server
        self._application = application
        self.url = world.url
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="github-simulator")
        self._thread.start()

    def stop(self) -> None:
        """Answer nothing more; deliveries under way are given up."""
        self._application.closed = True
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
        self._world.courier.stop()


def start(home: Path, port: int = 0) -> Simulator:
    """Serve a fresh GitHub on loopback; bare repositories go below `home`."""
    for noun in NOUNS:
        importlib.import_module(f"local.github.{noun}")
    home = Path(home).resolve() / f"run-{time.time_ns()}"
    home.mkdir(parents=True)
    world = World(home)
    world.courier = Courier(world)
    application = Application(world)
    # Loopback alone: the control API and the personal tokens trust whoever can connect.
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    world.url = f"http://127.0.0.1:{server.server_port}"
    return Simulator(world, server, application)
