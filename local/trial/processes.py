"""Starts the simulator and the host as processes of their own, and leaves nothing behind, however a trial ends."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from local.clock import SystemClock
from local.tasks import SubprocessTasks
from shared.errors import Final

PROJECT = Path(__file__).resolve().parents[2]
START_S = 180.0  # seconds of work, on a machine that has other work as well
STOP_S = 12.0
RUNNERS_S = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h: a killed trial takes its processes with it


class ProcessDied(Final):
    """One of a trial's processes ended before it should; `log` is where it said why."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        last = next((line for line in reversed(_tail(log).splitlines()) if line.strip()), "it said nothing")
        super().__init__(f"the {name} ended by itself (exit {code}): {last[:300]}", f"read {log}")
        self.log = log


class Child:
    """A process that tells its address by a ready file. Its output goes to `<home>/<name>.log`."""

    def __init__(self, name: str, home: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = home / f"{name}.log"
        self._ready = home / f"{name}.ready"
        self._ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", *arguments, "--ready-file", str(self._ready)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we tell them
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
            )

    def wait_ready(self) -> str:
        """Its address. Raises ProcessDied, or Final when it does not answer in time."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            self.check()
            url = address(self._ready.parent, self.name)
            if url:
                return url
            time.sleep(0.02)
        raise Final(f"the {self.name} did not begin to answer within {START_S:.0f} s", f"read {self.log}")

    def check(self) -> None:
        """Raises ProcessDied when it is gone."""
        code = self._process.poll()
        if code is not None:
            raise ProcessDied(self.name, code, self.log)

    @property
    def was_killed(self) -> bool:
        return self._process.poll() == -signal.SIGKILL

    def stop(self) -> None:
        """Ask it to leave, then make it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def address(home: Path, name: str) -> str:
    """What the process of that name has told last; "" where it has not."""
    with suppress(FileNotFoundError, ValueError):
        told: dict[str, Any] = json.loads((home / f"{name}.ready").read_text("utf-8"))
        return str(told["url"])
    return ""


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _tail(path: Path, size: int = 4000) -> str:
    try:
        return path.read_bytes()[-size:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def stop_runners(home: Path, *, patience_s: float = RUNNERS_S, sleep: Callable[[float], None] = time.sleep) -> None:
    """End every runner of that home: asked first, killed after `patience_s`, its keeper after twice that. No process is left
    when this returns, but for one that not even SIGKILL ends, which is told on standard error.
    """
    if not (home / "tasks").is_dir():
        return
    tasks = SubprocessTasks(home, "", SystemClock())
    names = [json.loads(path.read_text("utf-8"))["started_by"] for path in (home / "tasks").glob("*/task.json")]
    for name in names:
        tasks.stop(name, "the trial is over")
    killers = iter((lambda: _kill_runners(home), lambda: _kill_keepers(tasks.keepers())))
    until = time.monotonic() + patience_s
    while tasks.keepers() or any(task.state != "stopped" for name in names for task in tasks.list(name)):
        if time.monotonic() > until:
            kill = next(killers, None)
            if kill is None:
                sys.stderr.write(f"a process of {home / 'tasks'} does not end and is left behind\n")
                return
            kill()
            until = time.monotonic() + patience_s
        sleep(0.05)


def _kill_keepers(keepers: Sequence[int]) -> None:
    """One that hangs while it clears away keeps its lock, and nobody may wait for it for ever. 0 is one that has not begun."""
    for pid in filter(None, keepers):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _kill_runners(home: Path) -> None:
    for path in (home / "tasks").glob("*/begun.json"):
        if path.with_name("exit.json").exists():
            continue
        begun = json.loads(path.read_text("utf-8"))
        if begun["runner"] is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(begun["runner"], signal.SIGKILL)  # its keeper sweeps up what it leaves
