"""Bubblewrap: namespaces of mounts, processes, network, IPC and names; read-only machine, two writable directories.

Who a command runs as depends on who we are. As root: bubblewrap makes the mounts, then setpriv changes to a user id
that nobody else on the machine has (so that the limit on processes holds, which the kernel does not apply to root)
with no capability left. As anybody else, and as root where such an id cannot be had: a user namespace of one id.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner_image.sandbox.contract import Command, Network, NoSandbox, Place, Ran
from runner_image.sandbox.environment import FIXED, PATH, named_paths, outward_environment
from runner_image.sandbox.interpreter import Interpreter, write_names
from runner_image.sandbox.ownership import FIRST_UID, give_tree
from runner_image.sandbox.process import PROCESSES, Running, with_limits

WORKSPACE, HOME, SCRATCH, NAMES, RECORDS = (
    "/workspace",
    "/home/agent",
    "/tmp",
    "/run/persevere/bin",
    "/run/persevere/record",
)
NOBODY = 65534
ENV = "/usr/bin/env"
SCRATCH_BYTES = 2 << 30
FROM_ETC = (
    "alternatives",
    "ca-certificates",
    "debian_version",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "os-release",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
)
FROM_ETC_WHEN_OPEN = ("resolv.conf", "gai.conf")
ROOTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ELSEWHERE = ("/nix/store", "/gnu/store")


class Bwrap:
    """One for a job, or for one side of a proof. `hidden` are directories of ours that must never become visible."""

    name = "bwrap"

    def __init__(
        self, interpreter: Interpreter, private: Path, machine: Mapping[str, str], *, uid_offset: int = 0
    ) -> None:
        """`private` is an existing directory of this sandbox's own; `machine` our own environment.

        Raises NoSandbox with what bubblewrap itself said.
        """
        program = shutil.which("bwrap", path=machine.get("PATH") or PATH)
        if program is None:
            raise NoSandbox("bubblewrap is not installed")
        self._program = program
        self._interpreter = interpreter
        self._names = write_names(interpreter, private / "bin")
        self._private = private
        self._outward = outward_environment(machine)
        self.python = interpreter.version
        self.uid = self._choose_uid(FIRST_UID + os.getpid() + uid_offset)
        self._running = Running(lambda process: process.kill(), self.uid if self._own_uid else None)
        self._etc = self._write_etc(private / "etc")

    @property
    def counts_processes(self) -> bool:
        """Whether the limit on processes holds: not for root's own id (setrlimit(2), RLIMIT_NPROC)."""
        return self._own_uid or os.geteuid() != 0

    def label(self, network: Network) -> str:
        reach = {"open": "network open", "local": "no network", "none": "no network, no loopback"}[network]
        return f"bubblewrap ({'separate user, ' if self._own_uid else ''}namespaces, {reach})"

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
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)  # whatever our umask is: bubblewrap enters it without root's rights

    def kill(self) -> None:
        self._running.kill()

    def run(self, place: Place, command: Command, *, processes: int = PROCESSES) -> Ran:
        environment = {
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
        if command.record:
            self.own(command.record)
        shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
        # Set inside: a name such as LD_PRELOAD is the repository's and must not reach what makes the fence.
        given = [ENV, "-i", *(f"{name}={value}" for name, value in environment.items())]
        argv = [*self._fence(place, command), *self._become(), *given, *with_limits(command.line, shell, processes)]
        return self._running.run(argv, {"PATH": PATH}, "/", command, place.workspace)

    # --- who --------------------------------------------------------------------------------------------

    def _choose_uid(self, own: int) -> int:
        """A user id of its own where we are root and may have one, else our own (nobody's name for root)."""
        probe = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        said = "it did not start"
        # By its whole name: inside, PATH is the command's.
        self._setpriv = shutil.which("setpriv", path=PATH) if os.geteuid() == 0 else None
        candidates = [(True, own)] if self._setpriv else []
        for self._own_uid, self.uid in [*candidates, (False, os.geteuid() or NOBODY)]:
            try:
                tried = subprocess.run(
                    [self._program, *self._namespaces("local"), *probe, "--", *self._become(), "/bin/true"],
                    check=False,
                    capture_output=True,
                    timeout=60,
                    env={"PATH": PATH},
                )
            except (OSError, subprocess.SubprocessError) as error:
                said = str(error)
                continue
            if tried.returncode == 0:
                return self.uid
            said = tried.stderr.decode("utf-8", "replace").strip() or f"it ended with {tried.returncode}"
        raise NoSandbox(f"bubblewrap is installed and does not work here: {said}")

    def _become(self) -> list[str]:
        if not self._own_uid or self._setpriv is None:
            return []
        identity = ["--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups"]
        return [self._setpriv, *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]

    # --- the fence --------------------------------------------------------------------------------------

    def _namespaces(self, network: Network) -> list[str]:
        options = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"]
        options += ["--new-session", "--hostname", "persevere"]
        if network == "local":  # bubblewrap itself brings the loopback up
            options.append("--unshare-net")
        if self._own_uid:
            return [*options, "--cap-drop", "ALL", *_each("--cap-add", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")]
        return [*options, "--unshare-user", "--uid", str(self.uid), "--gid", str(self.uid)]

    def _fence(self, place: Place, command: Command) -> list[str]:
        mounts = _Mounts()
        mounts.read_only("/usr")
        for name in ROOTS:
            mounts.like_outside(f"/{name}")
        for path in (*ELSEWHERE, *self._interpreter.prefixes):
            if Path(path).exists() and not path.startswith("/usr"):
                mounts.read_only(path)
        self._mount_settings(mounts, command.network)
        mounts.add("--dev", "/dev")
        mounts.temporary("/dev/shm")
        # Root's id without a capability may still write the kernel's settings, so all of it is read-only.
        mounts.add("--proc", "/proc", "--remount-ro", "/proc")
        mounts.temporary("/var/tmp")
        if place.scratch:
            mounts.writable(place.scratch, SCRATCH)
        else:
            mounts.temporary(SCRATCH)
        mounts.read_only(str(self._names), NAMES)
        if command.network == "open":
            for named in named_paths(self._outward, [self._private, place.workspace, place.home]):
                mounts.read_only(str(named))
        mounts.writable(place.home, HOME)
        mounts.writable(place.workspace, WORKSPACE)
        if command.record:
            mounts.writable(command.record, self.record_path(command.record))
        mounts.add("--remount-ro", "/", "--chdir", WORKSPACE, "--")
        return [
            *self._without_loopback(command.network),
            self._program,
            *self._namespaces(command.network),
            *mounts.made,
        ]

    def _mount_settings(self, mounts: _Mounts, network: Network) -> None:
        mounts.read_only(str(self._etc), "/etc")
        for name in FROM_ETC_WHEN_OPEN if network == "open" else ():
            source = os.path.realpath(f"/etc/{name}")
            if Path(source).exists():  # as it is now: a machine may change networks
                mounts.read_only(source, f"/etc/{name}")

    def _write_etc(self, etc: Path) -> Path:
        """What is seen of /etc, copied once: to mount each piece would make a third of what it takes to start a command."""
        for name in FROM_ETC:
            _copy(os.path.realpath(f"/etc/{name}"), etc, etc / name)
        texts = {
            "passwd": f"agent:x:{self.uid}:{self.uid}::{HOME}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
            "group": f"agent:x:{self.uid}:\nnogroup:x:65534:\n",
            "hosts": "127.0.0.1 localhost persevere\n::1 localhost\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            **dict.fromkeys(FROM_ETC_WHEN_OPEN, ""),  # places to mount on
        }
        for name, text in texts.items():
            (etc / name).write_text(text)
            (etc / name).chmod(0o644)
        return etc

    def _without_loopback(self, network: Network) -> list[str]:
        """A network namespace whose loopback stays down must be made before bubblewrap's own."""
        if network != "none":
            return []
        unshare = shutil.which("unshare", path=PATH)
        if unshare is None:
            raise NoSandbox("network `none` needs unshare (util-linux)")
        return (
            [unshare, "--net", "--"] if os.geteuid() == 0 else [unshare, "--user", "--map-current-user", "--net", "--"]
        )


def _copy(source: str, etc: Path, target: Path) -> None:
    """With links as links; what we may not read is left out, since nobody inside might."""
    for directory in reversed(target.relative_to(etc).parents):
        (etc / directory).mkdir(exist_ok=True)
        (etc / directory).chmod(0o755)  # whatever our umask is: another user reads it
    if Path(source).is_dir():
        with contextlib.suppress(shutil.Error):  # raised at the end, for all that could not be copied
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    elif Path(source).is_file():
        with contextlib.suppress(PermissionError):
            shutil.copy2(source, target)


class _Mounts:
    """Arguments for bubblewrap, in order. Directories on the way are made readable, which is not its default."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._directories: set[Path] = {Path("/")}

    def add(self, *arguments: str) -> None:
        self.made += arguments

    def read_only(self, source: str, at: str | None = None) -> None:
        self._make_way(at or source)
        self.add("--ro-bind", source, at or source)

    def writable(self, source: Path, at: str) -> None:
        self._make_way(at)
        self.add("--bind", str(source), at)

    def temporary(self, at: str) -> None:
        self._make_way(at)
        self.add("--size", str(SCRATCH_BYTES), "--perms", "1777", "--tmpfs", at)

    def like_outside(self, path: str) -> None:
        if Path(path).is_symlink():
            self.add("--symlink", str(Path(path).readlink()), path)
        elif Path(path).exists():
            self.read_only(path)

    def _make_way(self, path: str) -> None:
        for parent in reversed(Path(path).parents):
            if parent not in self._directories and not Path(path).is_relative_to("/usr"):
                self._directories.add(parent)
                self.add("--perms", "0755", "--dir", str(parent))


def _each(option: str, *values: str) -> Sequence[str]:
    return [word for value in values for word in (option, value)]
