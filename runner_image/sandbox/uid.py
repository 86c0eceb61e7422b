"""Another user, for root where there are no namespaces (AWS Fargate): what the fence there can be made of.

A user id that nobody else has, no capability and no way to one (no_new_privs), a filter of system calls (seccomp), limits,
and everything of that user killed when a command ends. The machine's files stay visible as far as their modes let anybody
read them, so nothing of ours may be readable by all. The network by phase: `open` is the machine's; `local` is loopback as
far as this user itself is listening there, each call answered by a supervisor; `none` is the filter's refusal.
"""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import shutil
import stat
import subprocess
import sys
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner_image.sandbox import kernel
from runner_image.sandbox.contract import Command, Network, NoSandbox, Place, Ran
from runner_image.sandbox.environment import FIXED, PATH, outward_environment
from runner_image.sandbox.interpreter import Interpreter, find_interpreter, write_names
from runner_image.sandbox.ownership import FIRST_UID, give_tree
from runner_image.sandbox.process import FILE_BYTES, OPEN_FILES, PROCESSES, Running
from runner_image.sandbox.seccomp import Reach, write_filter

ROOT = str(Path(__file__).resolve().parents[2])
BOOT = f"import sys; sys.path.insert(0, {ROOT!r}); from runner_image.sandbox import warden; sys.exit(warden.main(sys.argv[1]))"
SHARED = ("/tmp", "/var/tmp", "/dev/shm")
WORDS = {"open": "network open", "local": "no network", "none": "no network, no loopback"}


class Uid:
    """One for a job, or for one side of a proof. `loopback` False: network `local` is as `none`, by the operator's word."""

    def __init__(
        self,
        interpreter: Interpreter,
        private: Path,
        machine: Mapping[str, str],
        *,
        uid_offset: int = 0,
        loopback: bool = True,
    ) -> None:
        """`private` is an existing directory of this sandbox's own; its parent, the job's, is opened for passing through.

        Raises NoSandbox with what is missing.
        """
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NoSandbox("a separate user can be had by root on Linux only")
        self.uid = FIRST_UID + os.getpid() + uid_offset
        self.name = "uid" if loopback else "uid:none"
        self._loopback = loopback
        self._private = private
        self._outward = outward_environment(machine)
        self._running = Running(_stop, self.uid)
        for directory in (private.parent, private):
            open_way(directory)
        check_way(private)
        interpreter = reachable(interpreter)
        self._names = write_names(interpreter, private / "bin")
        self.python = interpreter.version
        self._temporary = private / "tmp"
        self._temporary.mkdir(mode=0o700)
        os.chown(self._temporary, self.uid, self.uid)
        reaches: tuple[Reach, ...] = ("open", "asked", "none") if loopback else ("open", "none")
        self._filters = {reach: write_filter(reach) for reach in reaches}
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        sweep(self.uid)  # of a runner that was killed, long ago, and had this process id
        weakref.finalize(self, sweep, self.uid)
        self._try()

    def label(self, network: Network) -> str:
        said = WORDS[network]
        if network == "local" and not self._loopback:
            said = "no network, no loopback either, as the operator chose"
        return f"separate user, no new privileges, seccomp, {said}"

    def workspace_path(self, place: Place) -> str:
        return str(place.workspace)

    def home_path(self, place: Place) -> str:
        return str(place.home)

    def scratch_path(self, place: Place) -> str:
        return str(place.scratch or self._temporary)

    def record_path(self, record: Path) -> str:
        return str(record)

    def own(self, path: Path) -> None:
        give_tree(path, self.uid)
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
        for directory in path.parents:
            if directory == self._private.parent or self._private.parent not in directory.parents:
                break
            open_way(directory)

    def kill(self) -> None:
        self._running.kill()

    def run(self, place: Place, command: Command, *, processes: int = PROCESSES) -> Ran:
        if command.record:
            self.own(command.record)
        if place.scratch is None:
            self._empty()
        ran = self._running.run(self._argv(place, command, processes), {"PATH": PATH}, "/", command, place.workspace)
        if place.scratch is None:
            self._empty()
        return ran

    # --- how --------------------------------------------------------------------------------------------

    def _argv(self, place: Place, command: Command, processes: int) -> list[str]:
        shell = shutil.which("bash", path=PATH) or "/bin/sh"
        reach = self._reach(command.network)
        plan = {
            "uid": self.uid,
            "filter": self._filters[reach],
            "asked": reach == "asked",
            "limits": {"core": 0, "files": OPEN_FILES, "processes": processes, "bytes": FILE_BYTES},
            "cwd": str(place.workspace),
            "argv": [shell, "-c", command.line],
            "environment": self._environment(place, command),
        }
        path = self._private / "plan"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            marshal.dump(plan, file)
        return [sys.executable, "-I", "-S", "-W", "ignore", "-c", BOOT, str(path)]

    def _environment(self, place: Place, command: Command) -> dict[str, str]:
        return {
            **(self._outward if command.network == "open" else {}),
            **FIXED,
            "HOME": str(place.home),
            "USER": "agent",
            "LOGNAME": "agent",
            "TMPDIR": self.scratch_path(place),
            "SHELL": "/bin/sh",
            **command.environment,
            "PATH": f"{self._names}:{command.environment.get('PATH') or PATH}",
        }

    def _reach(self, network: Network) -> Reach:
        match network:
            case "open":
                return "open"
            case "local":
                return "asked" if self._loopback else "none"
            case "none":
                return "none"

    def _empty(self) -> None:
        """A check finds nothing of an earlier one, in what every user may write to either."""
        sweep(self.uid, [*SHARED, str(self._temporary)])

    def _try(self) -> None:
        """The whole way once, so that what this kernel or this container refuses is known before any work."""
        place = Place(self._temporary, self._temporary)
        for network in ("local", "none"):
            ran = self.run(place, Command("exit 0", 60, network=network))
            if ran.end != "exited" or ran.exit != 0:
                said = ran.output.last(300).strip() or ran.end
                if network == "local" and self._loopback:
                    raise NoSandbox(
                        f"loopback alone cannot be had: {said}. If this kernel does not let system calls be answered, "
                        "`PERSEVERE_SANDBOX=uid:none` builds and proves without loopback; every proof then says so"
                    )
                raise NoSandbox(f"a separate user does not work here: {said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The warden ends all that it started; only we may signal it."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


def open_way(directory: Path) -> None:
    """Others may pass through it by name, and not list it."""
    mode = stat.S_IMODE(directory.stat().st_mode)
    if not mode & 0o001:
        directory.chmod(mode | 0o011)


def check_way(path: Path) -> None:
    """Raises NoSandbox, with the directory that another user cannot pass."""
    for directory in reversed(path.parents):
        if not directory.stat().st_mode & 0o001:
            raise NoSandbox(
                f"another user cannot pass {directory}, in which the jobs' directories are made; "
                "set PERSEVERE_WORK to one that all may pass, such as /var/tmp"
            )


def reachable(interpreter: Interpreter) -> Interpreter:
    """The one that was chosen where another user can run it, else the machine's own. Raises NoSandbox."""
    if _runs_for_all(interpreter):
        return interpreter
    for path in ("/usr/local/bin/python3", "/usr/bin/python3"):
        if Path(path).exists() and _runs_for_all(found := find_interpreter(path)):
            return found
    raise NoSandbox(
        f"the Python at {interpreter.executable} lies where another user cannot reach it, and there is none in /usr; "
        "install python3, or set PERSEVERE_PYTHON to one that all may run"
    )


def _runs_for_all(interpreter: Interpreter) -> bool:
    places = [Path(each) for each in (interpreter.executable, *interpreter.prefixes)]
    ways = [each for place in places for each in (place, *place.parents)]
    return all(each.exists() and each.stat().st_mode & 0o001 for each in ways)


def sweep(uid: int, directories: Iterable[str] = SHARED) -> None:
    """Removes what that user has left in directories that all may write to. None of its processes may be running."""
    for directory in directories:
        try:
            entries = list(os.scandir(directory))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            continue
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # others come and go in these, too
                if entry.stat(follow_symlinks=False).st_uid == uid:
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    """Of a tree what can be removed: by descriptors, so that no link is followed; root does not care for modes."""
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        Path(entry.path).unlink()
