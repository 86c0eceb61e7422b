"""A server on loopback, at a port that was asked for."""

from __future__ import annotations

import socket
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HOST = "127.0.0.1"


def serve_at(port: int, application: Any, handler: type[WSGIRequestHandler]) -> BaseWSGIServer:
    """A thread a request; its `server_port` is where it listens (0 took a free one). Raises OSError where the port is taken.

    Bound here, since werkzeug ends the process over a taken port, with words of its own (`BaseWSGIServer.__init__`).
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
        server = make_server(HOST, port, application, threaded=True, request_handler=handler, fd=listener.fileno())
    server.server_name, server.server_port = HOST, server.port  # which it would know if it had bound
    return server
