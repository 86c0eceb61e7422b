"""The process that answers for a command's network: it is of the same user, so the command tries to use it."""

import os
from collections.abc import Callable

import pytest

from runner_image.sandbox.addresses import AF_INET, AF_INET6, LOOPBACK6, Inet, read_inet, to_bind
from runner_image.sandbox.contract import Sandbox
from tests.runner.conftest import Fence
from tests.runner.sandbox.processes import gone

NAP = f"4714.{os.getpid()}"


@pytest.fixture
def uid(sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]) -> Fence:
    return fence_of(sandboxes("uid"))


@pytest.mark.parametrize(
    "line",
    [
        "cat /proc/$PPID/mem",
        "cat /proc/$PPID/maps",
        "ls /proc/$PPID/fd/",
        "cat /proc/$PPID/environ",
        "python -c 'import os, ctypes; assert ctypes.CDLL(None).ptrace(0x4206, os.getppid(), None, None) == 0'",
        "python -c 'import os; os.pidfd_open(os.getppid()); import resource; resource.prlimit(os.getppid(), 7, (3, 3))'",
    ],
)
def test_it_cannot_be_looked_into(uid: Fence, line: str) -> None:
    assert uid.run(line).exit != 0


def test_killing_it_ends_the_command_and_all_that_it_started(uid: Fence) -> None:
    ran = uid.run(f"setsid -f sleep {NAP}; kill -9 $PPID; sleep {NAP}")
    assert (ran.end, ran.exit) == ("exited", 137)
    assert gone(NAP)


def test_a_command_that_hides_from_it_has_no_network(uid: Fence) -> None:
    hide = "import ctypes, socket; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); socket.create_server(('127.0.0.1', 0))"
    ran = uid.run(f'python -c "{hide}"')
    assert ran.exit == 1
    assert "Permission denied" in ran.output.text()


def test_an_address_that_changes_while_it_is_asked_about_reaches_nobody(uid: Fence) -> None:
    """A second thread swaps the address between loopback and the world as fast as it can."""
    script = """
import ctypes, errno, select, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
server = socket.create_server(("127.0.0.1", 0), backlog=1000)
good = struct.pack("=H", 2) + server.getsockname()[1].to_bytes(2, "big") + socket.inet_aton("127.0.0.1") + bytes(8)
bad = struct.pack("=H", 2) + (9).to_bytes(2, "big") + socket.inet_aton("192.0.2.1") + bytes(8)
address = ctypes.create_string_buffer(good, 16)
stop = []
def swap():
    while not stop:
        ctypes.memmove(address, bad, 16); ctypes.memmove(address, good, 16)
threading.Thread(target=swap, daemon=True).start()
seen, tries, until = set(), 0, time.monotonic() + 60
while tries < 300 or (not {"reached", errno.ENETUNREACH} <= seen and time.monotonic() < until):
    tries += 1
    with socket.socket() as tried:
        tried.setblocking(False)
        done = libc.connect(tried.fileno(), address, 16)
        number = 0 if done == 0 else ctypes.get_errno()
        if done == 0 or number == errno.EINPROGRESS:
            there = select.select([], [tried], [], 60)[1]  # a stranger never answers
            number = "reached" if there and tried.getpeername()[0] == "127.0.0.1" else "LEFT"
        seen.add(number)
stop.append(1)
print(sorted(map(str, seen - {errno.ENETUNREACH, errno.ECONNREFUSED})))
"""
    assert uid.says("python -", stdin=script.encode()) == "['reached']"


def test_a_blocking_call_waits_without_holding_up_others(uid: Fence) -> None:
    script = """
import socket, threading, time
full = socket.create_server(("127.0.0.1", 0), backlog=0)
held = [socket.socket() for _ in range(4)]
for each in held:
    threading.Thread(target=lambda s=each: s.connect(full.getsockname()), daemon=True).start()
time.sleep(0.3)
free = socket.create_server(("127.0.0.1", 0))
socket.create_connection(free.getsockname(), 60)
print("fine", flush=True)
import os; os._exit(0)
"""
    assert uid.says("python -", stdin=script.encode()) == "fine"


@pytest.mark.parametrize(
    ("host", "only6", "placed"),
    [
        (bytes(4), False, b"\x7f\0\0\1"),
        (b"\x7f\1\2\3", False, b"\x7f\1\2\3"),
        (bytes(16), False, bytes(10) + b"\xff\xff\x7f\0\0\1"),
        (bytes(16), True, LOOPBACK6),
        (LOOPBACK6, False, LOOPBACK6),
        (b"\x08\x08\x08\x08", False, None),
        (bytes(10) + b"\xff\xff\x08\x08\x08\x08", False, None),
        (bytes(12) + b"\x7f\0\0\1", False, None),
    ],
    ids=["any", "127.1.2.3", "any6", "only6", "::1", "8.8.8.8", "mapped 8.8.8.8", "compatible"],
)
def test_where_a_server_may_listen(host: bytes, only6: bool, placed: bytes | None) -> None:
    wish = Inet(AF_INET if len(host) == 4 else AF_INET6, host, 80)
    assert read_inet(wish.packed()).host == host  # type: ignore[union-attr]
    found = to_bind(wish, only6=only6)
    assert (found and found.host) == placed
