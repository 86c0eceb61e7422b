"""The Python that `python` means inside the sandbox, and the directory that makes it so."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from runner_image.sandbox.contract import NoSandbox

ASK = (
    "import json, sys\n"
    "try:\n import pip\nexcept ImportError:\n pip = None\n"
    "print(json.dumps([getattr(sys, '_base_executable', sys.executable), sys.base_prefix, sys.base_exec_prefix,"
    " '%d.%d.%d' % sys.version_info[:3], pip is not None]))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`executable` is real (no link, no virtual environment), `prefixes` is what it needs to be readable."""

    executable: str
    prefixes: tuple[str, ...]
    version: str
    has_pip: bool


def find_interpreter(path: str | None) -> Interpreter:
    """`path` (else the one that runs us) asked about itself. Raises NoSandbox where it does not answer."""
    chosen = path or getattr(sys, "_base_executable", None) or sys.executable
    try:
        answer = _ask(chosen, {})
        # A virtual environment answers with the interpreter that it was made from, which knows its own pip.
        executable = os.path.realpath(answer[0])
        if executable != os.path.realpath(chosen):
            answer = _ask(executable, {})
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NoSandbox(f"The chosen Python, {chosen}, cannot be asked for its version: {error}") from error
    prefixes = tuple(dict.fromkeys(os.path.realpath(each) for each in (answer[1], answer[2])))
    return Interpreter(executable, prefixes, answer[3], answer[4])


def _ask(executable: str, environment: dict[str, str]) -> tuple[str, str, str, str, bool]:
    ran = subprocess.run(
        [executable, "-E", "-s", "-c", ASK], check=True, capture_output=True, timeout=60, env=environment
    )
    base, prefix, exec_prefix, version, has_pip = json.loads(ran.stdout)
    return base, prefix, exec_prefix, version, has_pip


def write_names(interpreter: Interpreter, directory: Path) -> Path:
    """Fills `directory` with `python`, `python3`, `python3.x` (and pip's names) that are this interpreter.

    Small scripts, not links: a virtual environment made through a link would remember the link's place.
    """
    directory.mkdir()
    directory.chmod(0o755)  # whatever our umask is: another user looks for it there
    minor = ".".join(interpreter.version.split(".")[:2])
    names = dict.fromkeys(("python", "python3", f"python{minor}"), "")
    if interpreter.has_pip:
        names |= dict.fromkeys(("pip", "pip3", f"pip{minor}"), " -m pip")
    for name, arguments in names.items():
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(interpreter.executable)}{arguments} "$@"\n', "utf-8")
        script.chmod(0o755)
    return directory
