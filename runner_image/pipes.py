"""git on a workspace in which pipes may lie where git reads: it would wait for ever for somebody to write."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from runner_image.git import LOCAL_S, Git, GitFailed, TooMuch

LOOK_S = 5.0  # who is told to leave while it looks has a few seconds more than this
Value = TypeVar("Value")


def run_on(
    git: Git, tree: Path, *arguments: str, index: Path, stdin: bytes = b"", accept: tuple[int, ...] = (0,)
) -> bytes:
    """Standard output of a command on `tree`. Raises GitFailed."""

    def once(seconds: float) -> bytes:
        return git.run(*arguments, index=index, tree=tree, stdin=stdin, accept=accept, seconds=seconds)

    return _twice(tree, index, once)


def list_on(git: Git, tree: Path, *arguments: str, index: Path) -> tuple[bytes, bytes]:
    """What `Git.listing` gives. Raises GitFailed, TooMuch."""
    return _twice(tree, index, lambda seconds: git.listing(*arguments, index=index, tree=tree, seconds=seconds))


def _twice(tree: Path, index: Path, once: Callable[[float], Value]) -> Value:
    """Where it fails, or takes long, pipes are removed and it runs once more.

    git opens `HEAD` of whatever looks like a repository inside, of a submodule that the index has, and each
    `.gitattributes` on the way to a file. Raises GitFailed.
    """
    try:
        return once(LOOK_S)
    except TooMuch:
        raise
    except GitFailed:
        index.with_name(index.name + ".lock").unlink(
            missing_ok=True
        )  # of a git that was killed; the index is ours alone
        _remove_pipes(tree)
        return once(LOCAL_S)


def _remove_pipes(root: Path) -> None:
    """No change holds one."""
    for directory, _, files in os.walk(os.fsencode(root)):
        for name in files:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                if stat.S_ISFIFO(os.lstat(path).st_mode):
                    os.unlink(path)  # noqa: PTH108
