"""Which pytest plugins a set-up has installed: the entry points `pytest11` of what lies beneath a directory.

A change can add one to its own package, and pytest then loads it into every run without being asked
(docs.pytest.org/en/stable/how-to/writing_plugins.html, "Making your plugin installable by others").
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from runner_image.leftovers import scan

MAX_BYTES = 1_000_000
ENTRY_POINTS = b"entry_points.txt"

Plugin = tuple[str, str]


def find_plugins(root: Path) -> frozenset[Plugin]:
    """(name, what it loads) of each. No program of the sandbox may be running. Raises OSError."""
    found: set[Plugin] = set()
    for path, _ in scan(root):
        if path.rpartition(b"/")[2] == ENTRY_POINTS:
            found |= _read(os.path.join(os.fsencode(root), path))
    return frozenset(found)


def without(options: str, plugins: Iterable[Plugin]) -> str:
    """PYTEST_ADDOPTS, which pytest reads with shlex, with those plugins left out, by name."""
    names = sorted({name for name, _ in plugins})
    return " ".join([options, *(f"-p {shlex.quote(f'no:{name}')}" for name in names)]).strip()


def modules_of(plugins: Iterable[Plugin]) -> frozenset[bytes]:
    """The first part of what each loads."""
    return frozenset(re.split(r"[.:\s\[]", loaded, maxsplit=1)[0].encode() for _, loaded in plugins)


def _read(path: bytes) -> set[Plugin]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return set()
        text = file.read(MAX_BYTES).decode("utf-8", "replace")
    # As importlib.metadata reads it: whatever is no section and no `name = value` is passed over.
    found, section = set(), ""
    for line in map(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == "pytest11" and equals and not line.startswith("#"):
            found.add((name.strip(), value.strip()))
    return found
