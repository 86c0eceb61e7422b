"""The one process that a sandbox runs at a time: started, read, timed, and killed from whatever thread asks."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

from runner_image.sandbox.contract import Command, End, Ran
from runner_image.sandbox.output import Output, Spool
from runner_image.sandbox.scarce import Watch

CHUNK = 1 << 16
# A process that left the fence may hold the pipe for ever; what it writes after the command's end is not ours.
DRAIN_S = 0.2
# Set in front of every command: bounded processes and open files, no core dumps. A shell that lacks `-u` has `-p`.
PROLOGUE = (
    'ulimit -c 0; ulimit -n "$1" 2>/dev/null; ulimit -u "$2" 2>/dev/null || ulimit -p "$2" 2>/dev/null; '
    'ulimit -f "$3" 2>/dev/null; shift 3; exec "$@"'
)
OPEN_FILES = 4096
PROCESSES = 4096  # threads count too
FILE_BYTES = 8 << 30
FILE_BLOCKS = FILE_BYTES // 512  # `ulimit -f` of dash; bash counts in 1,024 bytes

KILLED = 137

Stop = Callable[["subprocess.Popen[bytes]"], None]


def with_limits(line: str, shell: str, processes: int = PROCESSES) -> list[str]:
    """The argument list that sets the limits and becomes the shell that runs `line`."""
    limits = [str(OPEN_FILES), str(processes), str(FILE_BLOCKS)]
    return ["/bin/sh", "-c", PROLOGUE, "sh", *limits, shell, "-c", line]


class Running:
    """Holds what runs now. `stop` ends a process and all that it started; `owner` is whom its streams belong to, so that
    it may open /dev/stdout by name."""

    def __init__(self, stop: Stop, owner: int | None = None) -> None:
        self._stop = stop
        self._owner = owner
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            if self._process:
                self._stop(self._process)

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], cwd: str, command: Command, workspace: Path
    ) -> Ran:
        """What uses up the machine's memory, or the disk of `workspace`, is ended like a program that the kernel kills: 137,
        and a line that says so."""
        began = time.monotonic()
        spool = Spool(command.spool, command.output_bytes)
        watch = Watch(workspace)
        with self._lock:
            if self._killed:
                return Ran("killed", None, 0.0, spool.close())
            try:
                process, output = self._start(argv, environment, cwd, command)
            except OSError as error:
                spool.feed(f"cannot start {argv[0]}: {error}\n".encode())
                return Ran("unstarted", None, time.monotonic() - began, spool.close())
            self._process = process
        try:
            why = _read(process, output, spool, began + command.seconds, watch)
            if why != "ended":
                self._stop(process)
                _drain(output, spool)
            code = process.wait()
            if why == "over":
                spool.feed(watch.said.encode())
                code = KILLED
        finally:
            output.close()
            with self._lock:
                self._process = None
        return _ended(code, why != "late", self._killed, time.monotonic() - began, spool.close())

    def _start(
        self, argv: Sequence[str], environment: Mapping[str, str], cwd: str, command: Command
    ) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        """The process and what it prints. Raises OSError."""
        reader, writer = os.pipe()
        output = os.fdopen(reader, "rb", buffering=0)
        try:
            with tempfile.TemporaryFile() as given:  # a file, so that nobody waits for who does not read
                given.write(command.stdin)
                given.seek(0)
                if self._owner is not None:
                    for stream in (writer, given.fileno()):
                        os.fchown(stream, self._owner, -1)
                process = subprocess.Popen(
                    argv,
                    stdin=given if command.stdin else subprocess.DEVNULL,
                    stdout=writer,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=dict(environment),
                    start_new_session=True,
                )
        except OSError:
            output.close()
            raise
        finally:
            os.close(writer)
        with contextlib.suppress(OSError):  # where there is no /proc, or it is gone already
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000")  # where memory ends, it goes before we do
        return process, output


def _ended(code: int, in_time: bool, killed: bool, seconds: float, output: Output) -> Ran:
    end: End = "killed" if killed else "exited" if in_time else "timeout"
    return Ran(end, (code if code >= 0 else 128 - code) if end == "exited" else None, seconds, output)


def _read(
    process: subprocess.Popen[bytes], pipe: IO[bytes], spool: Spool, deadline: float, watch: Watch
) -> Literal["ended", "late", "over"]:
    """Reads until the output ends or the process does, the deadline comes, or it uses up what all need."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(min(left, watch.interval)):
                data = os.read(pipe.fileno(), CHUNK)
                if not data:
                    return _exits(process, deadline, watch)
                spool.feed(data)
            elif process.poll() is not None:
                _drain(pipe, spool)
                return "ended"
            if watch.is_over(process.pid):
                return "over"
    return "late"


def _exits(process: subprocess.Popen[bytes], deadline: float, watch: Watch) -> Literal["ended", "late", "over"]:
    """The output is closed; the process itself may go on for as long as its time lasts."""
    while (left := deadline - time.monotonic()) > 0:
        try:
            process.wait(min(left, watch.interval))
        except subprocess.TimeoutExpired:
            if watch.is_over(process.pid):
                return "over"
        else:
            return "ended"
    return "late"


def _drain(pipe: IO[bytes], spool: Spool) -> None:
    until = time.monotonic() + 5
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < until and selector.select(DRAIN_S):
            data = os.read(pipe.fileno(), CHUNK)
            if not data:
                return
            spool.feed(data)
