"""Stands between the host and one runner, as ECS does between us and a container. Standard library only.

    python -I -S task_process.py DIRECTORY LOCK_FD GRACE_S -- COMMAND...

Runs the command with this process's own environment, in a session of its own, and writes into DIRECTORY
`begun.json` (who runs) and `exit.json` (how it ended). It lives apart from the host, so that a host may be killed
and started again while runners go on. `lock` is held by this process and by the runner, `keeper` by this process
alone: the kernel lets go of them when the holders are gone, however they went, so a lock never lies about who lives.

SIGTERM is passed on to the runner; what is still there GRACE_S seconds later is killed. Whatever the runner leaves
behind, processes and the files below `tmp`, goes when it ends, like the rest of a container.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: orphans below us become our children, so none escapes the final sweep


def main() -> None:
    """Leave the host behind, run the command, write down how it ended."""
    directory, lock, grace, command = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[5:]
    os.setsid()  # before the host goes on: what kills the host's group must not find us in it
    if os.fork():
        os._exit(0)
    adopt_orphans()
    fcntl.flock(os.open(directory / "keeper", os.O_CREAT | os.O_RDWR, 0o600), fcntl.LOCK_EX)
    Runner(directory, command, lock, grace).run()


class Runner:
    """The one command, and what was asked of it."""

    def __init__(self, directory: Path, command: list[str], lock: int, grace: float) -> None:
        self.directory = directory
        self.command = command
        self.lock = lock
        self.grace = grace
        self.process: subprocess.Popen[bytes] | None = None
        self.signalled = False

    def run(self) -> None:
        """From start to `exit.json`."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGALRM, lambda *_: self.send(signal.SIGKILL))
        # First our name, then the question: whoever stops us writes stop.json first and then looks for our name.
        self.write("begun.json", {"keeper": os.getpid(), "runner": None})
        if self.must_stop():
            self.write("exit.json", {"code": None, "error": "stopped before it began", "at": now()})
            return
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(self.lock,)
            )
        except OSError as error:
            self.write("exit.json", {"code": None, "error": f"cannot run {self.command[0]}: {error}", "at": now()})
            return
        self.write("begun.json", {"keeper": os.getpid(), "runner": self.process.pid})
        if self.must_stop():  # asked while Popen was at work
            self.stop()
        status = wait_for(self.process.pid)
        self.process = None
        signal.alarm(0)
        sweep()
        self.write("exit.json", {"code": os.waitstatus_to_exitcode(status), "error": None, "at": now()})
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)

    def must_stop(self) -> bool:
        """Whether somebody asked, by signal or by file."""
        return self.signalled or (self.directory / "stop.json").exists()

    def stop(self) -> None:
        """Ask the runner to leave; kill it when the grace is over."""
        self.signalled = True
        if self.process is not None:
            self.send(signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, max(self.grace, 0.001))

    def send(self, number: int) -> None:
        """To the runner and what is in its process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def write(self, name: str, what: dict[str, object]) -> None:
        """A whole file or none."""
        unfinished = self.directory / f".{name}"
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(what, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.directory / name)


def now() -> int:
    return time.time_ns() // 1_000_000


def adopt_orphans() -> None:
    """On Linux. Elsewhere a process that leaves the runner's group outlives it, as on any machine without containers."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for(pid: int) -> int:
    """The wait status of that child; bury every other that ends meanwhile."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def sweep() -> None:
    """Kill what the runner left, generation by generation, until there are no children."""
    while children := children_of(os.getpid()):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def children_of(parent: int) -> list[int]:
    """Read from /proc; where there is none (macOS) nothing was adopted either."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # "pid (name) state ppid ...": a name may hold anything, so count from the last parenthesis
            if int(status.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


if __name__ == "__main__":
    main()
