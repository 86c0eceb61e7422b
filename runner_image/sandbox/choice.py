"""Which sandbox this machine has. Found or named; never quietly none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner_image.sandbox.bwrap import Bwrap
from runner_image.sandbox.contract import NoSandbox, Sandbox
from runner_image.sandbox.interpreter import Interpreter
from runner_image.sandbox.none import Unfenced

NAMES = ("bwrap", "none")
ADVICE = (
    "I do not run it unfenced. Operator: install bubblewrap (`apt-get install bubblewrap`), or say "
    "`PERSEVERE_SANDBOX=none` if you know what that means; every status will then say so."
)


def choose(
    name: str | None, interpreter: Interpreter, private: Path, machine: Mapping[str, str], *, uid_offset: int = 0
) -> Sandbox:
    """The backend called `name`, or (None, empty, "auto") the best that works. Raises NoSandbox for people.

    `private` is a directory that does not exist yet and that the sandbox may fill.
    """
    private.mkdir(parents=True, mode=0o755)
    match name or "auto":
        case "none":
            return Unfenced(interpreter, private, machine)
        case "bwrap" | "auto":
            try:
                return Bwrap(interpreter, private, machine, uid_offset=uid_offset)
            except NoSandbox as error:
                why = f"Not started: this machine cannot fence off the repository's code ({error}). {ADVICE}"
                raise NoSandbox(why) from error
        case other:
            raise NoSandbox(
                f"Not started: there is no sandbox called {other!r}. PERSEVERE_SANDBOX: {', '.join(NAMES)}."
            )
