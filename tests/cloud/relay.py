"""A name that resolves: the emulator tells Function URLs apart by Host, and their names lead nowhere on this machine."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TIMEOUT_S = 620.0  # a runner's step stays open while a model answers


class Relay:
    """Hands requests at `url` over to the emulator under the host of one Function URL, and the answer back."""

    def __init__(self, emulator: str, function_url: str) -> None:
        target, host = urlsplit(emulator), urlsplit(function_url).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=TIMEOUT_S)
                try:
                    connection.request(self.command, self.path, body, {**headers, "Host": host})
                    answer = connection.getresponse()
                    data = answer.read()
                except OSError:
                    self.send_error(502)
                    return
                finally:
                    connection.close()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _pass  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the emulator has a log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
