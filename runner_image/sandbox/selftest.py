"""What the fence really keeps out, tried once before any work: the answers go into the claim."""

from __future__ import annotations

import os
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

from runner_image.sandbox.contract import Command, NoSandbox, Place, Sandbox

SECONDS = 30


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`uid` inside; the rest is True where the fence held. `python` is what `python` answered."""

    uid: int
    python: str
    network_unreachable: bool
    processes_hidden: bool
    files_hidden: bool
    machine_read_only: bool

    @property
    def holds(self) -> bool:
        return self.network_unreachable and self.processes_hidden and self.files_hidden and self.machine_read_only


def run_self_test(sandbox: Sandbox, place: Place) -> SelfTest:
    """Knocks from inside at a listening port of ours, our own process, our own files and the machine's.

    Raises NoSandbox where the command itself cannot run.
    """
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        line = "; ".join(
            [
                "echo uid=$(id -u)",
                "echo python=$(python -c 'import platform; print(platform.python_version())')",
                _says("network", f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"),
                # Our own process id inside another namespace is nobody's, or somebody else's.
                _says("processes", f"grep -qa PERSEVERE_TICKET= /proc/{os.getpid()}/environ /proc/1/environ"),
                _says("files", f"cat {shlex.quote(str(Path(__file__).resolve()))}"),
                _says("machine", 'touch "/usr/.persevere-$$" && rm "/usr/.persevere-$$"'),
            ]
        )
        ran = sandbox.run(place, Command(line, SECONDS, network="local"))
    answers = dict(row.split("=", 1) for row in ran.output.text().splitlines() if "=" in row)
    if ran.end != "exited" or not answers.get("uid", "").isdigit():
        raise NoSandbox(f"the sandbox's self-test did not run: {ran.output.last(500).strip() or ran.end}")
    return SelfTest(
        uid=int(answers["uid"]),
        python=answers.get("python", ""),
        network_unreachable=answers.get("network") == "refused",
        processes_hidden=answers.get("processes") == "refused",
        files_hidden=answers.get("files") == "refused",
        machine_read_only=answers.get("machine") == "refused",
    )


def _says(name: str, attempt: str) -> str:
    return f"if ( {attempt} ) >/dev/null 2>&1; then echo {name}=reached; else echo {name}=refused; fi"
