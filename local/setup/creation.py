"""A page on loopback that sends the manifest to GitHub, takes the code that comes back, and gets the App for it."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from local.keyring import AppFile, Keyring
from local.loopback import serve_at
from local.setup import pages
from local.setup.manifest import creation_url, manifest
from shared.errors import Final, NotConfigured, PersevereError
from shared.github.answers import NotFound
from shared.github.wire import Wire


class NotCreated(Final):
    """GitHub gave us no App."""


@dataclass
class Wish:
    """What is asked of GitHub. `hook_url` is the webhook's whole address, if there is one."""

    name: str
    github_url: str
    organization: str | None = None
    hook_url: str | None = None
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Silent: the terminal is for the person."""


class Creation:
    """A context: inside it the page is served. `url` is where the browser is to go."""

    def __init__(self, wish: Wish, wire: Wire, keyring: Keyring, port: int = 0) -> None:
        """Raises NotConfigured where the port is taken."""
        self._wish = wish
        self._wire = wire
        self._keyring = keyring
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._app: AppFile | None = None
        self._error: Final | None = None
        self.strangers = 0
        try:
            self._server: BaseWSGIServer = serve_at(port, self._application, _Quiet)
        except OSError as error:
            raise NotConfigured(f"port {port} is taken on this machine", "name another --port, or none") from error
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="creation", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(2.0)
        self._server.server_close()

    def wait(self, seconds: float) -> AppFile | None:
        """The App once it is stored; None when nobody came back in time. Raises NotCreated."""
        self._done.wait(seconds)
        if self._error is not None:
            raise self._error
        return self._app

    # --- what the browser sees -----------------------------------------------------------------------------------

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        response = self._answer(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.host != urlsplit(self.url).netloc:
            return _told(400, "This is not the address of this page", [f"It is {self.url}."])
        match request.method, request.path:
            case "GET", "/":
                return self._send()
            case "GET", "/created":
                return self._created(request)
            case _:
                return _told(404, "Nothing is here", [f"The page is {self.url}."])

    def _send(self) -> Response:
        wish, nonce = self._wish, secrets.token_urlsafe(12)
        asked = manifest(wish.name, f"{self.url}/created", wish.hook_url)
        action = creation_url(wish.github_url, wish.organization, wish.state)
        response = Response(pages.sending(action, asked, nonce), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; frame-ancestors 'none'"
        )
        return response

    def _created(self, request: Request) -> Response:
        """GitHub sent the browser back. Only an answer to our own question counts, and only the first one."""
        code, state = request.args.get("code", ""), request.args.get("state", "")
        if not hmac.compare_digest(state.encode(), self._wish.state.encode()):
            self.strangers += 1
            return _told(
                400,
                "This answer does not belong to this run",
                ["Its state is another one, so nothing was stored.", f"Begin at {self.url} again."],
            )
        with self._lock:
            if self._app is None:
                try:
                    self._app = self._convert(code)
                except NotCreated as error:
                    self._error = error
                    self._done.set()
                    return _told(502, str(error), [error.advice])
                self._done.set()
        return Response("", 302, {"Location": self._app.installation_page})

    def _convert(self, code: str) -> AppFile:
        """The App for the code, stored before anybody is told of it: GitHub shows the key once."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", code):
            raise NotCreated("GitHub sent no code", "run `persevere init --local` again, and create the App there")
        try:
            body = self._wire.send("POST", f"/app-manifests/{code}/conversions", "").body
            app = self._app_file(body)
        except NotFound as error:
            raise NotCreated(
                "GitHub does not know this code any more (it is good once, for an hour)",
                "run `persevere init --local` again; delete the App of this try on GitHub, if it is there",
            ) from error
        except (PersevereError, KeyError, TypeError) as error:
            raise NotCreated(
                f"the App was made, but its key did not arrive ({error})",
                "delete that App on GitHub, since its key is shown once; then run `persevere init --local` again",
            ) from error
        try:
            self._keyring.save_app(app)
        except OSError as error:
            raise NotCreated(
                f"the App was made, but its key could not be stored here ({error})",
                "make that possible; then delete that App on GitHub, since its key is shown once, and run "
                "`persevere init --local` again",
            ) from error
        return app

    def _app_file(self, body: Any) -> AppFile:
        owner = body.get("owner") or {}
        return AppFile(
            id=int(body["id"]),
            slug=str(body["slug"]),
            # There is none where the hook is switched off; one of ours is set when it gets an address.
            webhook_secret=str(body.get("webhook_secret") or secrets.token_hex(32)),
            private_key=str(body["pem"]),
            owner=str(owner.get("login", "")),
            owner_type=str(owner.get("type", "User")),
            page=str(body.get("html_url", "")),
            github_url=self._wish.github_url,
            asked=dict(body.get("permissions") or {}),
        )


def _told(status: int, title: str, lines: list[str]) -> Response:
    return Response(
        pages.told(title, [line for line in lines if line]), status, content_type="text/html; charset=utf-8"
    )
