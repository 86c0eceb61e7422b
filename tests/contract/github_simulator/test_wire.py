"""The client of the simulated people on a connection that breaks off."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from local.github import Simulator
from local.github.wire import ask

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@dataclass
class BreaksOff:
    """Closes its first connection without an answer, or resets it, and answers the next ones."""

    url: str
    resets: bool = False
    met: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[BreaksOff]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = BreaksOff(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        found.met.append(connection.recv(1 << 16))
                        if len(found.met) > 1:
                            connection.sendall(ANSWER)
                        elif found.resets:
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        threading.Thread(target=serve, daemon=True).start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize(("method", "path"), [("GET", "/user"), ("POST", "/_sim/clock")])
def test_who_only_looks_or_steers_asks_once_more(server: BreaksOff, method: str, path: str, resets: bool) -> None:
    server.resets = resets
    assert ask(method, server.url + path) == {}
    assert len(server.met) == 2


@pytest.mark.parametrize("resets", [False, True])
def test_what_may_have_been_done_is_not_done_again(server: BreaksOff, resets: bool) -> None:
    server.resets = resets
    with pytest.raises(ConnectionResetError):
        ask("POST", f"{server.url}/repos/octo-org/octo-repo/issues")
    assert len(server.met) == 1


def test_the_simulator_tells_who_left_before_the_answer(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", int(simulator.url.rpartition(":")[2]))) as caller:
        port = caller.getsockname()[1]
        caller.sendall(b"GET /_sim/quiet?wait=0 HTTP/1.1\r\n")
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    said, until = "", time.monotonic() + 60
    while f"from port {port} broke off" not in said and time.monotonic() < until:
        said += capsys.readouterr().err
        time.sleep(0.01)
    assert f"from port {port} broke off" in said
