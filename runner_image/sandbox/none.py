"""No fence: the command runs as we do, with our network and our files in reach. By name only (`PERSEVERE_SANDBOX=none`).

What it keeps of the contract: a clean environment, limits, time, bounded output, and no process left behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from runner_image.sandbox.contract import Command, Network, Place, Ran
from runner_image.sandbox.environment import FIXED, PATH, outward_environment
from runner_image.sandbox.interpreter import Interpreter, write_names
from runner_image.sandbox.process import PROCESSES, Running, with_limits

GUARD = Path(__file__).with_name("guard.py")


class Unfenced:
    name = "none"

    def __init__(self, interpreter: Interpreter, private: Path, machine: Mapping[str, str]) -> None:
        self._names = write_names(interpreter, private / "bin")
        self._outward = outward_environment(machine)
        self._running = Running(_stop)
        self.python = interpreter.version

    def label(self, network: Network) -> str:
        del network
        return "none: not fenced off, network open"

    def workspace_path(self, place: Place) -> str:
        return str(place.workspace)

    def home_path(self, place: Place) -> str:
        return str(place.home)

    def scratch_path(self, place: Place) -> str:
        return str(place.scratch or place.home)

    def record_path(self, record: Path) -> str:
        return str(record)

    def own(self, path: Path) -> None:
        del path

    def kill(self) -> None:
        self._running.kill()

    def run(self, place: Place, command: Command, *, processes: int = PROCESSES) -> Ran:
        environment = {
            **self._outward,
            **FIXED,
            "HOME": str(place.home),
            "USER": "agent",
            "TMPDIR": self.scratch_path(place),
            "SHELL": "/bin/sh",
            **command.environment,
            "PATH": f"{self._names}:{command.environment.get('PATH') or PATH}",
        }
        shell = shutil.which("bash", path=PATH) or "/bin/sh"
        guard = [sys.executable, "-I", "-S", str(GUARD), *with_limits(command.line, shell, processes)]
        return self._running.run(guard, environment, str(place.workspace), command, place.workspace)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The guard ends all that it started; where it does not answer, its group is ended from here."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
