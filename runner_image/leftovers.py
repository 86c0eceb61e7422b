"""Puts a directory back to how set-up left it, so that no check sees what another one left behind.

Tracked files come back from the trusted repository, new files go. What set-up made and cannot be had from git (an
environment, caches) is compared by inode, size and the two times of which the second cannot be set by a program: when
any of it was touched, the directory is spoilt and must be made afresh.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner_image.beneath import Beneath
from runner_image.git import Git
from runner_image.pipes import run_on
from runner_image.trees import files_of, paths_of
from runner_image.workspace import Checkout, make_toy

Mark = tuple[int, int, int, int, int]
TOY = b".git"


@dataclass(frozen=True, slots=True)
class Kept:
    """How the directories of a checkout look after set-up. `marks` have no tracked files and not the toy's."""

    tree: str
    tracked: frozenset[bytes]
    marks: dict[bytes, Mark]
    toy: dict[bytes, Mark]
    home: dict[bytes, Mark]


def keep(checkout: Checkout, commit: str) -> Kept:
    """Call when set-up has ended. What set-up did to tracked files is kept as well. Raises GitFailed."""
    git, index, tree = checkout.git, checkout.index, checkout.tree
    git.run("read-tree", commit, index=index)
    run_on(git, tree, "update-index", "-q", "--refresh", index=index, accept=(0, 1))
    touched = run_on(git, tree, "ls-files", "--modified", "--deleted", "-z", index=index)
    run_on(git, tree, "update-index", "--remove", "--replace", "-z", "--stdin", index=index, stdin=touched)
    after = git.line("write-tree", index=index)
    tracked = frozenset(paths_of(git, after))
    marks = {path: mark for path, mark in scan(tree) if path not in tracked}
    toy = {path: marks.pop(path) for path in list(marks) if _is_toy(path)}
    return Kept(after, tracked, marks, toy, dict(scan(checkout.place.home)))


def put_back(checkout: Checkout, kept: Kept, commit: str) -> bool:
    """False when the directory is spoilt. Raises GitFailed."""
    try:
        found = dict(scan(checkout.tree))
        sound = _remove_new(Beneath(checkout.tree), found, kept.marks, kept.tracked | set(kept.toy))
        home = dict(scan(checkout.place.home))
        sound = _remove_new(Beneath(checkout.place.home), home, kept.home, frozenset()) and sound
    except OSError:
        return False  # a mode or a depth that we cannot follow
    if not sound:
        return False
    _restore_tracked(checkout.git, checkout, kept)
    if {path: mark for path, mark in found.items() if _is_toy(path)} != kept.toy:
        Beneath(checkout.tree).remove(TOY)
        make_toy(checkout.git, checkout.tree, commit)
        checkout.sandbox.own(checkout.tree / ".git")
        kept.toy.clear()
        kept.toy.update((path, mark) for path, mark in scan(checkout.tree) if _is_toy(path))
    return True


def scan(root: Path) -> Iterator[tuple[bytes, Mark]]:
    """Every path beneath `root` with what tells a change of it. Directories too, without their times."""
    top = os.fsencode(root)
    todo = [b""]
    while todo:
        at = todo.pop()
        with os.scandir(os.path.join(top, at)) as entries:
            for entry in entries:
                path = os.path.join(at, entry.name) if at else entry.name
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    todo.append(path)
                    yield path, (status.st_ino, status.st_mode, 0, 0, 0)
                else:
                    yield (
                        path,
                        (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns),
                    )


def _is_toy(path: bytes) -> bool:
    return path == TOY or path.startswith(TOY + b"/")


def _remove_new(
    files: Beneath, found: dict[bytes, Mark], marks: dict[bytes, Mark], known: frozenset[bytes] | set[bytes]
) -> bool:
    """Removes what is neither known nor marked; False when something marked is gone or was touched."""
    # A tracked file's directory is marked, so a directory that is not is new as a whole.
    for path in sorted(found):
        if path not in marks and path not in known and not _is_toy(path):
            files.remove(path)
    return all(found.get(path) == mark for path, mark in marks.items())


def _restore_tracked(git: Git, checkout: Checkout, kept: Kept) -> None:
    touched = run_on(git, checkout.tree, "ls-files", "--modified", "--deleted", "-z", index=checkout.index)
    changed = {path for path in touched.split(b"\0") if path}
    if not changed:
        return
    checkout.lay(files_of(git, kept.tree, changed))
    run_on(git, checkout.tree, "update-index", "-q", "--refresh", index=checkout.index, accept=(0, 1))
