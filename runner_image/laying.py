"""A change laid over a directory that the repository's code has written to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner_image.beneath import Beneath
from shared.domain.protocol import Change


def lay(root: Path, changes: Iterable[Change]) -> None:
    """Makes each path beneath `root` what the change says, deletions first. Raises Outside, OSError."""
    beneath = Beneath(root)
    for change in sorted(changes, key=lambda change: change.mode is not None):
        if change.mode is None:
            beneath.remove(change.path)
        else:
            beneath.put(change.path, change.mode, change.data)
