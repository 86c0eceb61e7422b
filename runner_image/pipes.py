"""git on a workspace in which pipes may lie where git reads: it would wait for ever for somebody to write."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from runner_image.git import Git, GitFailed

LOOK_S = 30.0


def run_on(
    git: Git, tree: Path, *arguments: str, index: Path, stdin: bytes = b"", accept: tuple[int, ...] = (0,)
) -> bytes:
    """Standard output of a command on `tree`. Where it fails, or takes long, pipes are removed and it runs once more.

    git opens `HEAD` of whatever looks like a repository inside, of a submodule that the index has, and each
    `.gitattributes` on the way to a file. Raises GitFailed.
    """
    try:
        return git.run(*arguments, index=index, tree=tree, stdin=stdin, accept=accept, seconds=LOOK_S)
    except GitFailed:
        index.with_name(index.name + ".lock").unlink(
            missing_ok=True
        )  # of a git that was killed; the index is ours alone
        _remove_pipes(tree)
        return git.run(*arguments, index=index, tree=tree, stdin=stdin, accept=accept)


def _remove_pipes(root: Path) -> None:
    """No change holds one."""
    for directory, _, files in os.walk(os.fsencode(root)):
        for name in files:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                if stat.S_ISFIFO(os.lstat(path).st_mode):
                    os.unlink(path)  # noqa: PTH108
