"""What the agent changed: the workspace now against the workspace as set-up left it, laid on the commit to build on.

What set-up itself did is no part of it: not its changes to tracked files, not the untracked files that it made.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runner_image.git import Git, GitFailed
from runner_image.ignore import base_rules
from runner_image.trees import carry_over, compare, sizes_of, tree_of
from shared.domain.protocol import Changeset, RunnerLimits, encode, shown_path

LEFT_OUT_SHOWN = 50
LOOK_S = 30.0


class TooBig(Exception):
    """The change is over a limit; the text has both numbers."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`tree` is the base with the change laid on it. `left_out` are paths of set-up, at most 50."""

    changeset: Changeset
    left_out: tuple[str, ...]

    @property
    def blob(self) -> bytes:
        return encode(self.changeset)


class Recorder:
    """Follows one workspace. `start` is the commit that was checked out last: the base, or the head laid over it."""

    def __init__(self, git: Git, tree: Path, index: Path, base: str, start: str, limits: RunnerLimits) -> None:
        self._git = git
        self._tree = tree
        self._index = index
        self._base = base
        self._start = tree_of(git, start)
        self._limits = limits
        self._rules = index.with_name(index.name + ".exclude")
        self._rules.write_bytes(base_rules(git, base))
        self._after_setup = self._start
        self._made_by_setup: frozenset[bytes] = frozenset()
        self._environments: tuple[bytes, ...] = ()
        git.run("read-tree", start, index=index)
        # So that the index knows how the files look; exit code 1 says that some differ.
        git.run("update-index", "-q", "--refresh", index=index, tree=tree, accept=(0, 1))
        self._now = self._result = self._start
        self._is_stale = False

    @property
    def start(self) -> str:
        """The tree of the commit that was checked out."""
        return self._start

    def record_setup(self) -> None:
        """Call once, when set-up has ended and nothing of the change lies in the workspace yet."""
        untracked, modified = self._look()
        self._made_by_setup = frozenset(untracked)
        self._environments = tuple(path[: -len(b"pyvenv.cfg")] for path in untracked if path.endswith(b"/pyvenv.cfg"))
        self._update([], modified)
        self._after_setup = self._git.line("write-tree", index=self._index)
        self._now, self._result = self._after_setup, self._start

    def tree(self) -> str:
        """The base with the change laid on it. One git process when nothing was changed since the last call.

        Raises TooBig before any content of an oversized file is read.
        """
        untracked, modified = self._look()
        new = [path for path in untracked if not self._is_of_setup(path)]
        if new or modified or self._is_stale:
            self._check_files([*new, *modified])
            self._is_stale = True  # until the result is known, whatever stops us on the way there
            self._update(new, modified)
            now = self._git.line("write-tree", index=self._index)
            if now != self._now:
                self._result = carry_over(self._git, self._after_setup, now, self._start)
                self._now = now
            self._is_stale = False
        return self._result

    def take(self) -> Taken:
        """The change itself. Raises TooBig."""
        result = self.tree()
        base = tree_of(self._git, self._base)
        self._check_sizes(*sizes_of(self._git, base, result))
        return Taken(Changeset(self._base, result, compare(self._git, base, result)), self._left_out())

    # --- what lies there --------------------------------------------------------------------------------

    def _look(self) -> tuple[list[bytes], list[bytes]]:
        """(files that git does not know and the base's rules do not ignore, tracked ones that changed or are gone)."""
        options = ["--others", "--modified", "--deleted", "-t", "-z", f"--exclude-from={self._rules}"]
        try:
            out = self._git.run("ls-files", *options, index=self._index, tree=self._tree, seconds=LOOK_S)
        except GitFailed:
            if not _remove_pipes(self._tree):
                raise
            out = self._git.run("ls-files", *options, index=self._index, tree=self._tree)
        untracked: list[bytes] = []
        modified: dict[bytes, None] = {}
        for row in out.split(b"\0"):
            tag, path = row[:1], row[2:]
            if tag == b"?" and path.endswith(b"/"):  # a repository inside: git does not look into it, we take its files
                untracked += _files_beneath(self._tree, path.rstrip(b"/"))
            elif tag == b"?":
                untracked.append(path)
            elif tag:
                modified[path] = None
        return untracked, list(modified)

    def _update(self, untracked: list[bytes], modified: list[bytes]) -> None:
        """What changed is taken out of the index first, so that a file may become a directory, or a link to one."""
        present = [path for path in (*untracked, *modified) if self._is_file(path)]
        for option, paths in (("--force-remove", modified), ("--add", present)):
            names = b"".join(path + b"\0" for path in paths)
            if names:
                self._git.run("update-index", option, "-z", "--stdin", index=self._index, tree=self._tree, stdin=names)

    def _is_file(self, path: bytes) -> bool:
        """A file or a link that lies in real directories all the way."""
        at = os.fsencode(self._tree)
        *way, name = path.split(b"/")
        try:
            for part in way:
                at = os.path.join(at, part)
                if not stat.S_ISDIR(os.lstat(at).st_mode):
                    return False
            mode = os.lstat(os.path.join(at, name)).st_mode
        except OSError:
            return False
        return stat.S_ISREG(mode) or stat.S_ISLNK(mode)

    def _is_of_setup(self, path: bytes) -> bool:
        return path in self._made_by_setup or path.startswith(self._environments)

    def _left_out(self) -> tuple[str, ...]:
        out = self._git.run("ls-files", "--others", "--directory", "-z", index=self._index, tree=self._tree)
        shown = []
        for path in out.split(b"\0"):
            name = path.rstrip(b"/").rpartition(b"/")[2]
            made = name in (b".venv", b"node_modules") or any(each.startswith(path) for each in self._made_by_setup)
            if path and (made or name.endswith(b".egg-info")):
                shown.append(shown_path(path))
        return tuple(shown[:LEFT_OUT_SHOWN])

    # --- limits -----------------------------------------------------------------------------------------

    def _check_files(self, paths: list[bytes]) -> None:
        """Before git reads them: how many there are, and how big."""
        sizes = []
        for path in paths:
            try:
                status = os.lstat(os.path.join(os.fsencode(self._tree), path))
            except (FileNotFoundError, NotADirectoryError):
                continue  # deleted
            if stat.S_ISREG(status.st_mode):
                sizes.append(status.st_size)
                self._check_largest(status.st_size, path)
        # A file may have been changed back to what it was at the base, so the exact sums are taken later.
        if len(paths) > 2 * self._limits.changeset_files:
            raise TooBig(f"the change has {len(paths):,} files; the limit is {self._limits.changeset_files:,}")
        if sum(sizes) > 2 * self._limits.changeset_bytes:
            raise TooBig(f"the change has {sum(sizes):,} bytes; the limit is {self._limits.changeset_bytes:,}")

    def _check_largest(self, size: int, path: bytes) -> None:
        most = self._limits.changeset_file_bytes
        if size > most:
            raise TooBig(f"{shown_path(path)} has {size:,} bytes; the limit is {most:,} a file")

    def _check_sizes(self, files: int, size: int, largest: int) -> None:
        limits = self._limits
        if files > limits.changeset_files:
            raise TooBig(f"the change has {files:,} files; the limit is {limits.changeset_files:,}")
        if size > limits.changeset_bytes:
            raise TooBig(f"the change has {size:,} bytes; the limit is {limits.changeset_bytes:,}")
        if largest > limits.changeset_file_bytes:
            raise TooBig(f"one file has {largest:,} bytes; the limit is {limits.changeset_file_bytes:,} a file")


def _remove_pipes(root: Path) -> bool:
    """git opens `HEAD` of whatever looks like a repository inside; of a pipe it would wait for ever. No change holds one."""
    found = False
    for directory, _, files in os.walk(os.fsencode(root)):
        for name in files:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError):
                if stat.S_ISFIFO(os.lstat(path).st_mode):
                    os.unlink(path)  # noqa: PTH108
                    found = True
    return found


def _files_beneath(root: Path, path: bytes) -> Iterable[bytes]:
    top = os.path.join(os.fsencode(root), path)
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if name != b".git"]
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        for name in (*files, *links):
            yield os.path.relpath(os.path.join(directory, name), os.fsencode(root))
