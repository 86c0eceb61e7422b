"""Which pytest plugins a set-up has installed: the entry points `pytest11` of what lies beneath a directory.

A change can add one to its own package, and pytest then loads it into every run without being asked
(docs.pytest.org/en/stable/how-to/writing_plugins.html, "Making your plugin installable by others").
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner_image.beneath import Beneath, Outside
from runner_image.leftovers import scan

MAX_BYTES = 1_000_000
MOST_LINKS = 40  # as Linux follows
ENTRY_POINTS = b"entry_points.txt"

Plugin = tuple[str, str]


def find_plugins(places: Mapping[str, Path]) -> frozenset[Plugin]:
    """(name, what it loads) of each. `places` are directories by where they lie inside the sandbox, which is where links
    lead. No program of the sandbox may be running. Raises OSError."""
    found: set[Plugin] = set()
    for inside, root in places.items():
        for path, _ in scan(root):
            if path.rpartition(b"/")[2] == ENTRY_POINTS:
                found |= _read(os.path.join(inside.encode(), path), places)
    return frozenset(found)


def without(options: str, plugins: Iterable[Plugin]) -> str:
    """PYTEST_ADDOPTS, which pytest reads with shlex, with those plugins left out, by name."""
    names = sorted({name for name, _ in plugins})
    return " ".join([options, *(f"-p {shlex.quote(f'no:{name}')}" for name in names)]).strip()


def modules_of(plugins: Iterable[Plugin]) -> frozenset[bytes]:
    """The first part of what each loads."""
    return frozenset(re.split(r"[.:\s\[]", loaded, maxsplit=1)[0].encode() for _, loaded in plugins)


def _read(path: bytes, places: Mapping[str, Path]) -> set[Plugin]:
    """What lies at that path of the sandbox; nothing where no file of the places does, so that no program there reads
    one either, or only one that every set-up finds."""
    for _ in range(MOST_LINKS):
        root, rest = _split(path, places)
        if root is None:
            return set()
        try:
            files = Beneath(root)
            if not stat.S_ISLNK(files.status(rest).st_mode):
                return _parse(files.read(rest, MAX_BYTES).decode("utf-8", "replace"))
            target = os.readlink(os.path.join(os.fsencode(root), rest))  # noqa: PTH115  # a path of bytes
        except (OSError, Outside):
            return set()
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH120
    return set()


def _split(path: bytes, places: Mapping[str, Path]) -> tuple[Path | None, bytes]:
    for inside, root in places.items():
        top = inside.encode() + b"/"
        if path.startswith(top):
            return root, path.removeprefix(top)
    return None, b""


def _parse(text: str) -> set[Plugin]:
    # As importlib.metadata reads it: whatever is no section and no `name = value` is passed over.
    found, section = set(), ""
    for line in map(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == "pytest11" and equals and not line.startswith("#"):
            found.add((name.strip(), value.strip()))
    return found
