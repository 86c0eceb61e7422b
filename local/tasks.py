"""The `Tasks` on one machine: a process a task, with a directory of its own that outlives the host.

`<home>/tasks/<client token>/`: `task.json` (what was asked for), `lock` and `keeper` (held by those who run),
`begun.json` and `exit.json` (written by `task_process.py`), `stop.json` (why it was stopped), `log` (what the runner
printed), `tmp` (its TMPDIR).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from shared.errors import Final
from shared.limits import RUN_TASK_CLIENT_TOKEN_MAX
from shared.ports import Clock, NoCapacity, Task

KEPT_MS = 24 * 3600 * 1000
"""A stopped task stays listed, with its log, for a day (ECS: an hour)."""
GRACE_S = 30.0
"""Between SIGTERM and SIGKILL; the default of ECS (task definition parameter `stopTimeout`)."""

_KEEPER = Path(__file__).with_name("task_process.py")
_PROJECT = Path(__file__).resolve().parents[1]
_TOKEN = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{RUN_TASK_CLIENT_TOKEN_MAX - 1}}}")


class SubprocessTasks:
    """`Tasks` as processes. They get `PERSEVERE_API`, `PERSEVERE_TICKET`, TMPDIR, PATH, and what `extra` names.

    `extra` is what the choice of a sandbox needs (`PERSEVERE_SANDBOX`). Nothing else of the host's environment is seen.
    """

    def __init__(
        self,
        home: Path,
        api: str,
        clock: Clock,
        *,
        command: Sequence[str] = (sys.executable, "-m", "runner_image"),
        extra: Mapping[str, str] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._root = home / "tasks"
        self._api = api
        self._clock = clock
        self._command = tuple(command)
        self._extra = dict(extra or {})
        self._grace_s = grace_s
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def tell(self, name: str, value: str) -> None:
        """A variable more for the tasks that are started from now on."""
        self._extra[name] = value

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        """Start one, or give back the one that has this token, whatever became of it.

        Raises NoCapacity when the machine has no room for a process, Final when the token belongs to somebody else's
        task or Python cannot be started.
        """
        if not _TOKEN.fullmatch(client_token):
            raise Final(f"no client token: {client_token!r}", "letters, digits, '-', '_' and '.', at most 64")
        self._forget_old()
        directory = self._root / client_token
        directory.mkdir(mode=0o700, exist_ok=True)
        with _locked(directory / "starting"):
            asked = _load(directory / "task.json")
            if asked is not None and asked["started_by"] != started_by:
                raise Final(f"the task {client_token} was started by {asked['started_by']}, not by {started_by}")
            if asked is None:
                _save(directory / "task.json", {"started_by": started_by, "at": self._clock.now()})
            known = _task(directory)
            if known is not None:
                return known
            self._spawn(directory, ticket)
        return _task(directory) or Task(client_token, started_by, "starting")

    def stop(self, started_by: str, reason: str) -> None:
        """Ask every task with that name to leave: SIGTERM, and SIGKILL after the grace. Returns at once."""
        for directory in self._directories(started_by):
            if (directory / "exit.json").exists():
                continue
            if not (directory / "stop.json").exists():
                _save(directory / "stop.json", {"reason": reason, "at": self._clock.now()})
            begun = _load(directory / "begun.json")
            if begun is None:
                continue  # the keeper looks for stop.json once it has written its name
            with suppress(ProcessLookupError):
                if _held(directory / "keeper"):
                    os.kill(begun["keeper"], signal.SIGTERM)
                elif _held(directory / "lock") and begun["runner"] is not None:
                    # The keeper was killed and the runner goes on alone: nobody is left to wait for a grace.
                    os.killpg(begun["runner"], signal.SIGKILL)

    def list(self, started_by: str) -> Sequence[Task]:
        """Running and stopped ones, in the order in which they were started."""
        found = [(task, directory) for directory in self._directories(started_by) if (task := _task(directory))]
        return [task for task, _ in sorted(found, key=lambda entry: (_asked_at(entry[1]), entry[0].id))]

    def ended(self, but: Collection[str] = ()) -> Sequence[Task]:
        """All stopped ones of this machine, but for those with these ids."""
        names = sorted(path.name for path in self._root.iterdir() if path.name not in but)
        found = (_task(self._root / name) for name in names)
        return [task for task in found if task is not None and task.state == "stopped"]

    def keepers(self) -> Sequence[int]:
        """Process ids of those at work: each clears its runner's files away after it has written down how that one ended."""
        at_work = (_load(directory / "begun.json") for directory in self._root.iterdir() if _held(directory / "keeper"))
        return [int(begun["keeper"]) if begun else 0 for begun in at_work]

    def log(self, task: str) -> Path:
        """Where the runner's output is."""
        return self._root / task / "log"

    def _spawn(self, directory: Path, ticket: str) -> None:
        scratch = directory / "tmp"
        scratch.mkdir(mode=0o700, exist_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "TMPDIR": str(scratch),
            **self._extra,
            "PERSEVERE_API": self._api,
            "PERSEVERE_TICKET": ticket,
        }
        lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(directory), str(lock), str(self._grace_s), "--"]
            with (directory / "log").open("ab") as log:
                done = subprocess.run(
                    [*keeper, *self._command],
                    check=False,
                    cwd=_PROJECT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                )
        except BlockingIOError as error:
            raise NoCapacity(f"this machine has no room for another process: {error}") from error
        except OSError as error:
            raise Final(f"cannot start {sys.executable}: {error}") from error
        finally:
            os.close(lock)  # ours only; the keeper has it now
        if done.returncode != 0:
            raise Final(f"the runner's keeper ended with {done.returncode}", f"read {directory / 'log'}")

    def _directories(self, started_by: str) -> Iterator[Path]:
        for directory in self._root.iterdir():
            asked = _load(directory / "task.json")
            if asked is not None and asked["started_by"] == started_by:
                yield directory

    def _forget_old(self) -> None:
        before = self._clock.now() - KEPT_MS
        for directory in self._root.iterdir():
            asked = _load(directory / "task.json")
            if asked is not None and asked["at"] < before and not _held(directory / "lock"):
                shutil.rmtree(directory, ignore_errors=True)


def _task(directory: Path) -> Task | None:
    """The task of a directory as it stands now; None when it was asked for and never begun."""
    asked = _load(directory / "task.json")
    if asked is None:
        return None
    held = _held(directory / "lock")  # before exit.json is looked for: it is written while the lock is held
    begun, ended, stop = (_load(directory / name) for name in ("begun.json", "exit.json", "stop.json"))
    if ended is not None:
        state, reason = "stopped", _how_it_ended(ended)
    elif held:
        state, reason = ("starting" if begun is None or begun["runner"] is None else "running"), ""
    elif begun is not None:
        state, reason = "stopped", "lost: it was killed together with its keeper, or the machine went down"
    elif stop is not None:
        state, reason = "stopped", "never begun"
    else:
        return None
    if state == "stopped" and stop is not None:
        reason = f"{stop['reason']} ({reason})"
    return Task(directory.name, asked["started_by"], state, reason)


def _how_it_ended(ended: Mapping[str, Any]) -> str:
    if ended["code"] is None:
        return str(ended["error"])
    return f"exit {ended['code']}" if ended["code"] >= 0 else f"signal {-ended['code']}"


def _asked_at(directory: Path) -> int:
    asked = _load(directory / "task.json")
    return 0 if asked is None else int(asked["at"])


def _held(lock: Path) -> bool:
    """Whether somebody who runs holds it. The question itself holds it for an instant, shared, so two may ask."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among all threads and processes; a killed holder holds no more."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _load(path: Path) -> dict[str, Any] | None:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return loaded


def _save(path: Path, what: Mapping[str, Any]) -> None:
    """A whole file or none."""
    unfinished = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(what, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
