"""What the fence really keeps out, tried once before any work: the answers go into the claim."""

from __future__ import annotations

import json
import os
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_image.sandbox import probe
from runner_image.sandbox.contract import Command, NoSandbox, Place, Sandbox, really

SECONDS = 120  # a second of work; a busy machine's fence is none that does not hold


@dataclass(frozen=True, slots=True)
class SelfTest:
    """As seen from inside. `capabilities`: a mask; `seccomp`: 2 is a filter; `landlock`: the kernel's ABI, 0 without;
    `processes`: the most that the user may have, -1 without a limit. `machine_*`, `user_namespaces`, `landlock`: told,
    and no promise. `python` is what `python` answered.
    """

    uid: int
    python: str
    capabilities: int
    no_new_privs: bool
    seccomp: int
    user_namespaces: bool
    landlock: int
    network_reached: tuple[str, ...]
    door_reached: bool
    loopback: bool
    loopback_promised: bool
    harness_visible: bool
    harness_open: bool
    harness_signalled: bool
    secret_read: bool
    machine_written: bool
    processes: int

    @property
    def missing(self) -> tuple[str, ...]:
        """The promises that do not hold, in words."""
        return tuple(self._missing())

    @property
    def holds(self) -> bool:
        return not self.missing

    def _missing(self) -> Iterator[str]:
        if self.uid == 0:
            yield "commands run as root"
        if self.capabilities:
            yield f"commands have capabilities ({self.capabilities:#x})"
        if not self.no_new_privs:
            yield "commands may gain privileges (no_new_privs is off)"
        if self.network_reached:
            yield f"the network is reached ({', '.join(self.network_reached)})"
        if self.loopback_promised and not self.loopback:
            yield "there is no loopback for servers of its own"
        if self.door_reached:
            yield "the machine's own loopback is reached"
        if self.harness_open:
            yield "the runner's own process can be looked into"
        if self.harness_signalled:
            yield "the runner's own process can be signalled"
        if self.secret_read:
            yield "the runner's own files can be read"
        if self.machine_written:
            yield "the machine's files can be written"
        if self.processes < 0:
            yield "the number of processes has no limit"


def run_self_test(sandbox: Sandbox, place: Place) -> SelfTest:
    """Knocks from inside at a listening port of ours, our own process, our own files, the machine's and the world's.

    Raises NoSandbox where the command itself cannot run.
    """
    secret = place.workspace.parent / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as door:
        questions = {
            "door": door.getsockname()[1],
            "pid": os.getpid(),
            "since": _started(),
            "secret": str(secret),
        }
        line = f"exec python -I -S - {shlex.quote(json.dumps(questions))}"
        ran = sandbox.run(place, Command(line, SECONDS, stdin=Path(probe.__file__).read_bytes()))
    try:
        answers: dict[str, Any] = json.loads(ran.output.text().strip().splitlines()[-1])
        answers["loopback_promised"] = really(sandbox.name, "local") == "local"
        return SelfTest(**{**answers, "network_reached": tuple(answers["network_reached"])})
    except (ValueError, IndexError, TypeError, KeyError) as error:
        said = ran.output.last(500).strip() or ran.end
        raise NoSandbox(f"the sandbox's self-test did not run: {said}") from error


def _started() -> str:
    """When this process began, as another one can read it; empty where there is no /proc."""
    return probe.started(os.getpid()) if Path("/proc/self/stat").exists() else ""
