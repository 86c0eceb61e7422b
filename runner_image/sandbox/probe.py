"""Runs inside a sandbox, by whatever Python is there, and tries what must not work. Answers with one line of JSON.

python probe.py < nothing, with the questions as its last argument: {door, pid, started, secret}
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import socket
import sys
from collections.abc import Callable

OUTSIDE = (("192.0.2.1", 9), ("169.254.170.2", 80), ("169.254.169.254", 80))  # RFC 5737; ECS; EC2
LINUX = sys.platform == "linux"
PTRACE_SEIZE, CLONE_NEWUSER, LANDLOCK_CREATE_RULESET = 0x4206, 0x10000000, 444


def works(attempt: Callable[..., object], *arguments: object) -> bool:
    """Whether it did, rather than being refused."""
    try:
        return bool(attempt(*arguments))
    except (OSError, ValueError):
        return False


def answer_of(address: tuple[str, int]) -> int:
    """What a connection comes to: 0, or an errno; ETIMEDOUT where nobody answers."""
    with socket.socket() as tried:
        tried.settimeout(0.2)
        try:
            tried.connect(address)
        except TimeoutError:
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno or errno.EIO
    return 0


def reaches(address: tuple[str, int]) -> bool:
    """Somebody is there, or nobody says that there is not."""
    return answer_of(address) in (0, errno.ETIMEDOUT)


def leaves(address: tuple[str, int]) -> bool:
    """A packet left for there: silence counts, and so does a refusal by whoever is there, or is on the way."""
    refusals = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH)
    return answer_of(address) in (0, errno.ETIMEDOUT, *refusals)


def talks_to_itself() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 30):
        server.settimeout(2)
        server.accept()[0].close()
    return True


def writes(path: str) -> bool:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    os.unlink(path)  # noqa: PTH108  # a script by itself, which must start at once
    return True


def reads(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123
        return bool(file.read(1))


def started(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[19]


def is_visible(pid: int, since: str) -> bool:
    """That very process: the same number may be another one's in here."""
    return started(pid) == since


def answers_signals(pid: int) -> bool:
    os.kill(pid, 0)
    return True


def can_be_traced(pid: int) -> bool:
    libc = ctypes.CDLL(None)
    libc.ptrace.restype = ctypes.c_long
    return bool(libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0)


def makes_user_namespace() -> bool:
    if not LINUX:
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0


def status() -> dict[str, str]:
    if not LINUX:
        return {}
    with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def main(door: int, pid: int, since: str, secret: str) -> None:
    own = status()
    seen = works(is_visible, pid, since)
    peeks = [works(reads, f"/proc/{pid}/{name}") for name in ("environ", "maps", "auxv")] if seen else []
    peeks += [works(os.listdir, f"/proc/{pid}/fd"), works(can_be_traced, pid)] if seen else []
    with open("/proc/1/environ", "rb") if works(reads, "/proc/1/environ") else open(os.devnull, "rb") as first:  # noqa: PTH123
        peeks.append(b"PERSEVERE_TICKET=" in first.read())
    libc = ctypes.CDLL(None)
    answer = {
        "uid": os.getuid(),
        "python": platform.python_version(),
        "capabilities": int(own.get("CapEff", "0"), 16) | int(own.get("CapPrm", "0"), 16),
        "no_new_privs": own.get("NoNewPrivs") == "1",
        "seccomp": int(own.get("Seccomp", "0")),
        "user_namespaces": works(makes_user_namespace),
        "landlock": max(int(libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)), 0) if LINUX else 0,
        "network_reached": [f"{host}:{port}" for host, port in OUTSIDE if works(leaves, (host, port))],
        "door_reached": works(reaches, ("127.0.0.1", door)),
        "loopback": works(talks_to_itself),
        "harness_visible": seen,
        "harness_open": any(peeks),
        "harness_signalled": seen and works(answers_signals, pid),
        "secret_read": works(reads, secret),
        "machine_written": works(writes, f"/usr/.persevere-{os.getpid()}"),
        "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    signal.alarm(100)  # before whoever waits for it gives up, and says less
    main(**json.loads(sys.argv[-1]))
