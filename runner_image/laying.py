"""A change laid over a directory that the repository's code has written to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner_image.beneath import Beneath
from runner_image.shut import open_up
from shared.domain.protocol import Change


def lay(root: Path, changes: Iterable[Change]) -> None:
    """Makes each path beneath `root` what the change says, deletions first. Raises Outside, OSError."""
    ordered = sorted(changes, key=lambda change: change.mode is not None)
    try:
        _lay(root, ordered)
    except PermissionError:  # a directory that was shut; to lay twice is to lay once
        open_up(root)
        _lay(root, ordered)


def _lay(root: Path, changes: Iterable[Change]) -> None:
    beneath = Beneath(root)
    for change in changes:
        if change.mode is None:
            beneath.remove(change.path)
        else:
            beneath.put(change.path, change.mode, change.data)
