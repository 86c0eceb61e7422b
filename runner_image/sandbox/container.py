"""A container for each command, for machines that have no other fence (macOS, WSL): docker or podman, by their command.

Inside are the image's files, read-only, and four directories of the job: workspace, home, scratch, record. The engine's
`--network none` leaves a loopback and nothing else, which is `local`; for `none` a profile refuses sockets as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner_image.sandbox.contract import Command, Network, NoSandbox, Place, Ran
from runner_image.sandbox.environment import FIXED, PATH, named_paths, outward_environment
from runner_image.sandbox.interpreter import Interpreter, write_names
from runner_image.sandbox.ownership import FIRST_UID, give_tree
from runner_image.sandbox.process import PROCESSES, Running, with_limits

ENGINES = ("docker", "podman")
IMAGE = "persevere-runner"
WORKSPACE, HOME, SCRATCH = "/workspace", "/home/agent", "/tmp"
NAMES, RECORDS = "/run/persevere/bin", "/run/persevere/record"
SCRATCH_BYTES = 2 << 30
MEMORY_BYTES = 4 << 30
ANSWER_S = 20
# What the client needs to find its engine; nothing of it goes inside.
FOR_THE_CLIENT = ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "USER")
# docs.docker.com/engine/security/seccomp: a profile given by name replaces the engine's own, so it says that again.
REFUSED = (
    "bpf clone3 fsopen fsmount io_uring_setup kexec_load keyctl add_key request_key mount move_mount open_by_handle_at "
    "open_tree perf_event_open pivot_root process_vm_readv process_vm_writev ptrace setns umount2 unshare userfaultfd"
).split()
WITHOUT_SOCKETS = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [
        {"names": REFUSED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        *(
            {
                "names": ["socket"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 97,
                "args": [{"index": 0, "value": family, "op": "SCMP_CMP_EQ"}],
            }
            for family in (2, 10, 16, 17, 40)
        ),
    ],
}


class Container:
    """One for a job, or for one side of a proof."""

    name = "container"

    def __init__(self, private: Path, machine: Mapping[str, str], *, uid_offset: int = 0) -> None:
        """`PERSEVERE_IMAGE` of `machine` names the image. Raises NoSandbox where no engine answers, or it has no such image."""
        self._client = {name: machine[name] for name in FOR_THE_CLIENT if name in machine}
        self._client["PATH"] = machine.get("PATH") or PATH
        self._image = machine.get("PERSEVERE_IMAGE") or IMAGE
        self._engine, self._version = self._find()
        self._private = private
        self._outward = outward_environment(machine)
        self._own_uid = os.geteuid() == 0
        self.uid = FIRST_UID + os.getpid() + uid_offset if self._own_uid else os.geteuid()
        self._container = ""
        self._running = Running(self._stop)
        self._profile = private / "without-sockets.json"
        self._profile.write_text(json.dumps(WITHOUT_SOCKETS))
        self._names: Path | None = None
        self.python = self._try()

    def label(self, network: Network) -> str:
        reach = {"open": "network open", "local": "no network", "none": "no network, no loopback"}[network]
        return f"container ({Path(self._engine).name} {self._version}, {reach})"

    def workspace_path(self, place: Place) -> str:
        return WORKSPACE

    def home_path(self, place: Place) -> str:
        return HOME

    def scratch_path(self, place: Place) -> str:
        return SCRATCH

    def record_path(self, record: Path) -> str:
        return f"{RECORDS}/{record.name}"

    def own(self, path: Path) -> None:
        if self._own_uid:
            give_tree(path, self.uid)

    def kill(self) -> None:
        self._running.kill()

    def run(self, place: Place, command: Command, *, processes: int = PROCESSES) -> Ran:
        if command.record:
            self.own(command.record)
        self._container = f"persevere-{self._private.parent.name}-{time.monotonic_ns()}"
        ran = self._running.run(self._argv(place, command, processes), self._client, "/", command, place.workspace)
        if ran.end != "exited":  # `--rm` has done it where all went well
            self._ask("rm", "--force", self._container)
        return ran

    # --- the engine -------------------------------------------------------------------------------------

    def _find(self) -> tuple[str, str]:
        """The first engine that answers, with its version."""
        said = "neither docker nor podman is installed"
        for name in ENGINES:
            path = shutil.which(name, path=self._client["PATH"])
            if path is None:
                continue
            self._engine = path
            side = "Server" if name == "docker" else "Client"
            asked = self._ask("version", "--format", f"{{{{.{side}.Version}}}}")
            if asked.returncode == 0 and (version := asked.stdout.decode().strip()):
                return path, version
            said = f"{name} is installed and does not answer: {_last(asked)}"
        raise NoSandbox(said)

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        argv = [self._engine, *arguments]
        try:
            return subprocess.run(argv, check=False, capture_output=True, timeout=ANSWER_S, env=self._client)
        except (OSError, subprocess.SubprocessError) as error:
            return subprocess.CompletedProcess(argv, 1, b"", str(error).encode())

    def _try(self) -> str:
        """Python's version inside, asked in the very fence that commands get."""
        engine = Path(self._engine).name
        if self._ask("image", "inspect", "--format", "{{.Id}}", self._image).returncode != 0:
            raise NoSandbox(
                f"{engine} answers and has no image called {self._image}; make it with "
                f"`{engine} build -t {IMAGE} -f runner_image/Dockerfile .`, or name one in PERSEVERE_IMAGE"
            )
        rooms = [self._private / "try" / name for name in ("tree", "home")]
        for room in rooms:
            room.mkdir(parents=True)
            self.own(room)
        line = "command -v python3 && python3 -c 'import platform; print(platform.python_version())'"
        ran = self.run(Place(*rooms), Command(line, ANSWER_S))
        lines = ran.output.text().splitlines()
        if ran.end != "exited" or ran.exit != 0 or len(lines) != 2:
            raise NoSandbox(f"{engine} answers and its container does not: {ran.output.last(300).strip() or ran.end}")
        self._names = write_names(Interpreter(lines[0], (), lines[1], has_pip=True), self._private / "bin")
        return lines[1]

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ending the client would not end the container; one that is being made can only be ended a moment later."""
        until = time.monotonic() + ANSWER_S
        while process.poll() is None and time.monotonic() < until:
            self._ask("kill", self._container)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        if process.poll() is None:
            process.kill()

    # --- the fence --------------------------------------------------------------------------------------

    def _argv(self, place: Place, command: Command, processes: int) -> list[str]:
        options: dict[str, Any] = {
            "name": self._container,
            "label": "persevere=command",
            "network": "bridge" if command.network == "open" else "none",
            "user": f"{self.uid}:{self.uid if self._own_uid else os.getegid()}",
            "cap-drop": "ALL",
            "pids-limit": processes,
            "memory": MEMORY_BYTES,
            "memory-swap": MEMORY_BYTES,
            "hostname": "persevere",
            "pull": "never",
            "log-driver": "none",
            "workdir": WORKSPACE,
            "entrypoint": "/usr/bin/timeout",
        }
        argv = [self._engine, "run", "--rm", "--init", "--read-only"]
        if command.stdin:
            argv.append("--interactive")
        argv += [f"--{name}={value}" for name, value in options.items()]
        argv.append("--security-opt=no-new-privileges")
        if command.network == "none":
            argv.append(f"--security-opt=seccomp={self._profile}")
        if Path(self._engine).name == "podman" and not self._own_uid:
            argv.append("--userns=keep-id")
        argv += self._mounts(place, command)
        argv += [f"--env={name}={value}" for name, value in self._environment(command).items()]
        # Should we be killed, the container ends by itself.
        last = ["--signal=KILL", f"{command.seconds + ANSWER_S:.0f}"]
        return [*argv, self._image, *last, *with_limits(command.line, "/bin/bash", processes)]

    def _mounts(self, place: Place, command: Command) -> list[str]:
        bound = [(place.workspace, WORKSPACE, False), (place.home, HOME, False)]
        made = [f"--tmpfs=/var/tmp:rw,exec,nosuid,nodev,mode=1777,size={SCRATCH_BYTES}"]
        if place.scratch:
            bound.append((place.scratch, SCRATCH, False))
        else:
            made.append(f"--tmpfs={SCRATCH}:rw,exec,nosuid,nodev,mode=1777,size={SCRATCH_BYTES}")
        if command.record:
            bound.append((command.record, self.record_path(command.record), False))
        if self._names:
            bound.append((self._names, NAMES, True))
        if command.network == "open":
            hidden = [self._private, place.workspace, place.home]
            bound += [(path, str(path), True) for path in named_paths(self._outward, hidden)]
        for source, target, read_only in bound:
            if "," in str(source):
                raise NoSandbox(
                    f"{source}: an engine's mounts cannot be told of a path with a comma; set PERSEVERE_WORK"
                )
            made.append(f"--mount=type=bind,source={source},target={target}{',readonly' if read_only else ''}")
        return made

    def _environment(self, command: Command) -> dict[str, str]:
        return {
            **(self._outward if command.network == "open" else {}),
            **FIXED,
            "HOME": HOME,
            "USER": "agent",
            "LOGNAME": "agent",
            "TMPDIR": SCRATCH,
            "SHELL": "/bin/sh",
            **command.environment,
            "PATH": f"{NAMES}:{command.environment.get('PATH') or PATH}",
        }


def _last(asked: subprocess.CompletedProcess[bytes]) -> str:
    lines = (asked.stderr or asked.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else f"it ended with {asked.returncode}"
