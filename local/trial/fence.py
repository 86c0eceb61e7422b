"""Which sandbox a trial has, asked before any work."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox
from runner_image.sandbox.interpreter import find_interpreter
from shared.errors import Final


class NoFence(Final):
    """Nothing here can fence off the repository's code."""


@dataclass(frozen=True)
class Fence:
    """`name` is for `PERSEVERE_SANDBOX`, `label` for people. `fallen`: there is none, and the trial goes on without."""

    name: str
    label: str
    fallen: bool = False


def find_fence(named: str, python: Path | None, *, may_fall: bool) -> Fence:
    """The backend called `named` ("" finds the best). `may_fall`: the code is our own sample, none will do.

    Raises NoFence with what to do.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="persevere-fence-") as directory:
            interpreter = find_interpreter(str(python) if python else None)
            sandbox = choose(named or None, interpreter, Path(directory) / "private", os.environ)
            return Fence(sandbox.name, sandbox.label("local"))
    except NoSandbox as error:
        if may_fall and not named:
            return Fence("none", "none: nothing here can fence it off; our own sample runs unfenced", fallen=True)
        raise NoFence(str(error)) from error
