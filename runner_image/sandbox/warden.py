"""Starts one command of the `uid` backend and ends everything of its user when it ends. A process of its own.

    warden (root) ── keeper (the job's user; answers for the network) ── command (the same user, filtered)

The warden gets every orphan (PR_SET_CHILD_SUBREAPER) and kills by user, so that nothing gets away by forking, by
setsid or by killing the keeper. Nothing here may import much: this is the cost of starting a command.
"""

from __future__ import annotations

import _thread
import contextlib
import marshal
import os
import resource
import select
import signal
import sys

from runner_image.sandbox import kernel
from runner_image.sandbox.supervisor import Supervisor

COULD_NOT = 127
IPC_RMID = 0
# Files of /proc/sysvipc, and the column in which each has the owner's user id.
SHARED = (("shm", 7), ("sem", 4), ("msg", 7))
LIMITS = {"core": 4, "files": 7, "processes": 6, "bytes": 1}


def main(path: str) -> int:
    """`path` is a file of `Uid`'s: user, filter, whether the network is asked for, limits, directory, line, environment.

    The command's exit code, 128 + n for a signal.
    """
    with open(path, "rb") as file:  # noqa: PTH123
        plan = marshal.load(file)  # noqa: S302  # root's own file
    harness = os.getppid()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
    uid = plan["uid"]
    signal.signal(signal.SIGTERM, lambda *_: _leave(uid))
    if os.getppid() != harness:
        return 128 + signal.SIGTERM
    keeper = os.fork()
    if keeper == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os._exit(_guarded(_keep, plan))
    status = _wait_for(keeper)
    end_all(uid)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _leave(uid: int) -> None:
    end_all(uid)
    os._exit(128 + signal.SIGTERM)


def _wait_for(child: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == child:
            return status


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def end_all(uid: int) -> None:
    """Kills all of that user's processes until none of ours is left. Nobody else may be of that user."""
    while True:
        killer = os.fork()
        if killer == 0:
            become(uid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            _remove_shared(uid)
            os._exit(0)
        try:
            while True:
                os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _remove_shared(uid: int) -> None:
    """System V memory, semaphores and queues (sysvipc(7)) outlive whoever made them. Only their user may remove them."""
    for name, column in SHARED:
        try:
            with open(f"/proc/sysvipc/{name}", "rb") as lines:  # noqa: PTH123
                rows = [line.split() for line in lines][1:]
        except OSError:  # a kernel without them
            continue
        for row in rows:
            if int(row[column]) == uid:
                arguments = (0, IPC_RMID) if name == "sem" else (IPC_RMID, None)
                getattr(kernel.libc, f"{name}ctl")(int(row[1]), *arguments)


# --- as the job's user -----------------------------------------------------------------------------------


def _guarded(part, plan) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
    try:
        return int(part(plan) or 0)
    except BaseException as error:  # noqa: BLE001  # after a fork nothing may return to the caller
        os.write(2, f"the sandbox could not start the command: {error}\n".encode())
        return COULD_NOT


def _keep(plan) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
    uid = plan["uid"]
    kernel.drop_bounding_set()
    become(uid)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    started, start = os.pipe()
    found: list[int] = []
    # Filters belong to a thread: the command is started from one that has it, while the first one stays free to answer.
    _thread.start_new_thread(_start, (plan, found, start))
    os.read(started, 1)
    listener, command = found
    if command == 0:
        return COULD_NOT
    if listener >= 0:
        ended = kernel.pidfd_open(command)
        Supervisor(listener, uid).serve(ended)
    _, status = os.waitpid(command, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _start(plan, found: list[int], start: int) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    listener, child = -1, 0
    try:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        loaded = kernel.load_filter(plan["filter"], listen=plan["asked"])
        listener = loaded if plan["asked"] else -1
        child = os.fork()
        if child == 0:
            os._exit(_guarded(_become, plan))
    except OSError as error:
        os.write(2, f"the sandbox could not start the command: {error}\n".encode())
    found += [listener, child]
    os.write(start, b".")
    # This thread's leaving would take the child's parent-death signal with it; it waits as long as the process.
    select.poll().poll()


def _become(plan) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.umask(0o022)
    for name, value in plan["limits"].items():
        _, most = resource.getrlimit(LIMITS[name])
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(LIMITS[name], (value, value))
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.closerange(3, 1 << 16)
    os.chdir(plan["cwd"])
    os.execve(plan["argv"][0], plan["argv"], plan["environment"])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
