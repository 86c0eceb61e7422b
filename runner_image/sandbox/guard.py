"""Runs one command and, when it ends or SIGTERM comes, everything that it ever started. For the backend without a fence.

    python guard.py command [argument …]

A process that leaves its group or session is given to us by the kernel (child subreaper, Linux), so nothing gets away
by forking; elsewhere the process group alone is ended. Exit code: the command's, 128 + n for a signal.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CHILDREN = Path("/proc/self/task") / str(os.getpid()) / "children"


def main(argv: list[str]) -> int:
    harness = os.getppid()
    child = 0
    # Held back until there is a handler and a child for it to end: what comes earlier must not end us alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    signal.signal(signal.SIGTERM, lambda *_: _leave(child))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != harness:  # it died before we asked to be told
        return 128 + signal.SIGTERM
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        try:
            os.execvp(argv[0], argv)  # noqa: S606
        except OSError as error:
            os.write(2, f"cannot start {argv[0]}: {error}\n".encode())
            os._exit(127)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    status = _wait_for(child)
    end_all(child)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _leave(child: int) -> None:
    end_all(child)
    os._exit(128 + signal.SIGTERM)


def _wait_for(child: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == child:
            return status


def end_all(child: int) -> None:
    """Kills the group of `child`, then whoever is our child, until there is none left."""
    _kill(child, group=True)
    while living := _children():
        for pid in living:
            _kill(pid)
        for _ in living:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def _children() -> list[int]:
    try:
        return [int(pid) for pid in CHILDREN.read_text().split()]
    except OSError:  # not Linux
        return []


def _kill(pid: int, *, group: bool = False) -> None:
    try:
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
