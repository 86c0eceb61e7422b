"""Which sandbox this machine has. Found or named; never quietly none."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from runner_image.sandbox.bwrap import Bwrap
from runner_image.sandbox.container import Container
from runner_image.sandbox.contract import NoSandbox, Sandbox
from runner_image.sandbox.interpreter import Interpreter
from runner_image.sandbox.none import Unfenced

NAMES = ("bwrap", "uid", "uid:none", "container", "none")
FOUND = ("bwrap", "uid", "container")
"""The order in which they are tried where none is named. `uid:none` (no loopback) is a lesser promise: by name only."""
FIRST_WAY = "install bubblewrap (`apt-get install bubblewrap`)" if sys.platform == "linux" else "use Linux or WSL"
ADVICE = (
    f"I do not run it unfenced. Operator: {FIRST_WAY}, or start docker or podman (with the runner's image), or say "
    "`PERSEVERE_SANDBOX=none` if you know what that means; every status will then say so."
)


def choose(
    name: str | None, interpreter: Interpreter, private: Path, machine: Mapping[str, str], *, uid_offset: int = 0
) -> Sandbox:
    """The backend called `name`, or (None, empty, "auto") the best that works. Raises NoSandbox for people.

    `private` is a directory that does not exist yet and that the sandbox may fill.
    """
    private.mkdir(parents=True)
    private.chmod(0o755)  # whatever our umask is: `python` is found in it
    wanted = FOUND if (name or "auto") == "auto" else (name or "",)
    makers = _makers(interpreter, private, machine, uid_offset)
    if not set(wanted) <= set(makers):
        raise NoSandbox(f"Not started: there is no sandbox called {name!r}. PERSEVERE_SANDBOX: {', '.join(NAMES)}.")
    said = []
    for each in wanted:
        try:
            return makers[each]()
        except NoSandbox as error:
            said.append(str(error))
        for made in private.iterdir():  # of a try that failed
            _remove(made)
    raise NoSandbox(f"Not started: this machine cannot fence off the repository's code ({'; '.join(said)}). {ADVICE}")


def _makers(
    interpreter: Interpreter, private: Path, machine: Mapping[str, str], uid_offset: int
) -> dict[str, Callable[[], Sandbox]]:
    def uid(*, loopback: bool) -> Sandbox:
        from runner_image.sandbox.uid import Uid  # loads what only Linux has

        return Uid(interpreter, private, machine, uid_offset=uid_offset, loopback=loopback)

    return {
        "bwrap": lambda: Bwrap(interpreter, private, machine, uid_offset=uid_offset),
        "uid": lambda: uid(loopback=True),
        "uid:none": lambda: uid(loopback=False),
        "container": lambda: Container(private, machine, uid_offset=uid_offset),
        "none": lambda: Unfenced(interpreter, private, machine),
    }


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
