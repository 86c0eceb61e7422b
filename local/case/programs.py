"""Programs that a project brings with it: a published run calls them by name, though they are not on this machine yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# `name = package.module:function`, as setup.py, setup.cfg, pyproject.toml and an sdist's entry_points.txt spell it.
_SCRIPT = re.compile(
    r"""(?:^|["'])[^\S\n]*([A-Za-z][\w.-]*)[^\S\n]*=[^\S\n]*["']?[A-Za-z_][\w.]*:[A-Za-z_]""", re.MULTILINE
)
_DECLARED_IN = ("setup.py", "setup.cfg", "pyproject.toml")


def programs_of(files: Iterable[str], read: Callable[[str], str | None]) -> frozenset[str]:
    """Names of the commands that an installation of the repository makes. Nothing of it is run to learn them."""
    places = [path for path in files if path in _DECLARED_IN or path.endswith(".egg-info/entry_points.txt")]
    return frozenset(name for path in places for name in _SCRIPT.findall(read(path) or ""))
