"""What the agent changed: the workspace now against the workspace as set-up left it, laid on the commit to build on.

What set-up itself did is no part of it: not its changes to tracked files, not the untracked files that it made.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from runner_image.beneath import Beneath, is_half_written
from runner_image.git import Git, GitFailed, TooMuch
from runner_image.ignore import base_rules
from runner_image.laying import lay
from runner_image.pipes import list_on, run_on
from runner_image.shut import DENIED, any_shut, open_up
from runner_image.trees import carry_over, compare, files_of, sizes_of, submodules, tree_of
from shared.domain.protocol import (
    CHECKPOINT_MAX_BYTES,
    CHECKPOINT_MAX_FILE_BYTES,
    CHECKPOINT_MAX_FILES,
    Change,
    Changeset,
    RunnerLimits,
    encode,
    shown_path,
)

LEFT_OUT_SHOWN = 50
LARGE_SHOWN = 3
SUBMODULE = b"160000 "
NAMES_MOST = 1_000_000  # of files in repositories inside the workspace


class TooBig(Exception):
    """The change is over a limit; the text has both numbers."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of the workspace that it can be put back to. `tree` is the workspace's own, set-up's changes among it;
    `large` are the files that were too large to be looked into.
    """

    tree: str
    large: frozenset[bytes]


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
        self._large: dict[bytes, int] = {}

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

        Files above a checkpoint's limit are left as they were; `unkept` names them. Raises TooBig where there is more than
        a checkpoint may hold, before any content is read.
        """
        untracked, modified = self._look()
        new = [path for path in untracked if not self._is_of_setup(path)]
        self._large = self._weigh([*new, *modified])
        new, modified = ([path for path in paths if path not in self._large] for paths in (new, modified))
        if new or modified or self._is_stale:
            self._is_stale = True  # until the result is known, whatever stops us on the way there
            self._update(new, modified)
            now = self._git.line("write-tree", index=self._index)
            if now != self._now:
                untouched = self._after_setup == self._start
                self._result = now if untouched else carry_over(self._git, self._after_setup, now, self._start)
                self._now = now
            self._is_stale = False
        return self._result

    @property
    def unkept(self) -> str:
        """What the last tree does not have, in words; empty when it has everything."""
        if not self._large:
            return ""
        shown = [f"{shown_path(path)} ({size:,} bytes)" for path, size in sorted(self._large.items())[:LARGE_SHOWN]]
        more = len(self._large) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "") + f": over {self._largest:,} bytes a file"

    def mark(self) -> Mark:
        """The workspace as it stands. Raises TooBig."""
        self.tree()
        return Mark(self._now, frozenset(self._large))

    def put_back(self, mark: Mark) -> None:
        """In place: every path that git sees is what it was then. What the base ignores and what set-up made stays.

        Raises TooBig when what lies there now cannot even be compared, OSError.
        """
        self.tree()
        grown = set(self._large) - mark.large
        changes = [*compare(self._git, self._now, mark.tree), *files_of(self._git, mark.tree, grown)]
        known = {change.path for change in changes}
        lay(self._tree, [*changes, *(Change(path, None) for path in grown - known)])
        lost = submodules(self._git, self._now, mark.tree)
        for path, _ in lost:
            Beneath(self._tree).make_directory(path)
        self.tree()
        if lost:
            rows = b"".join(b"160000 %b\t%b\0" % (commit.encode(), path) for path, commit in lost)
            self._git.run("update-index", "-z", "--index-info", index=self._index, stdin=rows)
            self._is_stale = True
            self.tree()

    def take(self) -> Taken:
        """The change itself. Raises TooBig: a change may be less than what a checkpoint holds."""
        result = self.tree()
        for path, size in self._large.items():
            self._check_largest(size, path)
        base = tree_of(self._git, self._base)
        self._check_sizes(*sizes_of(self._git, base, result))
        return Taken(Changeset(self._base, result, compare(self._git, base, result)), self._left_out())

    # --- what lies there --------------------------------------------------------------------------------

    def _look(self) -> tuple[list[bytes], list[bytes]]:
        """(files that git does not know and the base's rules do not ignore, tracked ones that changed or are gone).

        Raises TooBig, GitFailed.
        """
        try:
            untracked, modified, said = self._list()
            mine = (path for path in (*untracked, *modified) if not self._is_of_setup(path))
            if DENIED not in said and not any_shut(self._tree, mine):
                return untracked, modified
            open_up(self._tree)
            untracked, modified, said = self._list()
        except TooMuch as error:
            raise TooBig(f"too many files to be looked at: {error}") from error
        if DENIED in said:
            raise GitFailed(f"not all of the workspace can be read: {said[-300:].decode('utf-8', 'replace').strip()}")
        return untracked, modified

    def _list(self) -> tuple[list[bytes], list[bytes], bytes]:
        """The same as it is found, and what git complained of. Raises TooMuch, GitFailed."""
        options = ["--others", "--modified", "--deleted", "-t", "-z", f"--exclude-from={self._rules}"]
        out, said = list_on(self._git, self._tree, "ls-files", *options, index=self._index)
        untracked: list[bytes] = []
        modified: dict[bytes, None] = {}
        for row in out.split(b"\0"):
            tag, path = row[:1], row[2:]
            if tag == b"?" and path.endswith(b"/"):  # a repository inside: git does not look into it, we take its files
                inner: list[OSError] = []
                untracked += islice(_files_beneath(self._tree, path.rstrip(b"/"), inner.append), NAMES_MOST + 1)
                said += b"".join(DENIED for error in inner if isinstance(error, PermissionError))
                if len(untracked) > NAMES_MOST:
                    raise TooMuch(f"more than {NAMES_MOST:,}")
            elif tag == b"?":
                untracked.append(path)
            elif tag:
                modified[path] = None
        return [path for path in untracked if not is_half_written(path)], list(modified), said

    def _update(self, untracked: list[bytes], modified: list[bytes]) -> None:
        """What is gone is taken out of the index first, so that a file may become a directory, or a link to one."""
        present = [path for path in (*untracked, *modified) if self._is_file(path)]
        gone = sorted(set(modified) - set(present) - self._submodules_among(modified))
        for option, paths in (("--force-remove", gone), ("--add", present)):
            names = b"".join(path + b"\0" for path in paths)
            if names:
                run_on(self._git, self._tree, "update-index", option, "-z", "--stdin", index=self._index, stdin=names)

    def _submodules_among(self, modified: list[bytes]) -> set[bytes]:
        """Those of which a directory is there: whatever lies in it (a clone made there is another commit to git), it is
        no part of a change, and not gone either."""
        directories = [path for path in modified if self._is_directory(path)]
        if not directories:
            return set()
        rows = self._git.run("ls-files", "--stage", "-z", "--", *directories, index=self._index, tree=self._tree)
        return {row.partition(b"\t")[2] for row in rows.split(b"\0") if row.startswith(SUBMODULE)}

    def _is_directory(self, path: bytes) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(os.path.join(os.fsencode(self._tree), path)).st_mode)
        except OSError:
            return False

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
        out = run_on(self._git, self._tree, "ls-files", "--others", "--directory", "-z", index=self._index)
        shown, of_setup = [], sorted(self._made_by_setup)
        for path in filter(None, out.split(b"\0")):
            name = path.rstrip(b"/").rpartition(b"/")[2]
            first = bisect_left(of_setup, path)  # all that begin with it stand together
            made = name in (b".venv", b"node_modules") or any(
                each.startswith(path) for each in of_setup[first : first + 1]
            )
            if made or name.endswith(b".egg-info"):
                shown.append(shown_path(path))
        return tuple(shown[:LEFT_OUT_SHOWN])

    # --- limits -----------------------------------------------------------------------------------------

    @property
    def _largest(self) -> int:
        return max(CHECKPOINT_MAX_FILE_BYTES, self._limits.changeset_file_bytes)

    def _weigh(self, paths: list[bytes]) -> dict[bytes, int]:
        """The files that are too large to be kept, with their sizes; nothing was read yet. Raises TooBig."""
        large, total = {}, 0
        for path in paths:
            try:
                status = os.lstat(os.path.join(os.fsencode(self._tree), path))
            except OSError:
                continue  # deleted, or no way leads there any more (a link to itself)
            if not stat.S_ISREG(status.st_mode):
                continue
            if status.st_size > self._largest:
                large[path] = status.st_size
            else:
                total += status.st_size
        if len(paths) - len(large) > CHECKPOINT_MAX_FILES:
            raise TooBig(f"{len(paths):,} files changed at once; the limit is {CHECKPOINT_MAX_FILES:,}")
        if total > CHECKPOINT_MAX_BYTES:
            raise TooBig(f"{total:,} bytes changed at once; the limit is {CHECKPOINT_MAX_BYTES:,}")
        return large

    def _check_largest(self, size: int, path: bytes) -> None:
        most = self._limits.changeset_file_bytes
        if size > most:
            raise TooBig(f"{shown_path(path)} has {size:,} bytes; the limit is {most:,} a file")

    def _check_sizes(self, files: int, size: int, largest: tuple[int, bytes]) -> None:
        limits = self._limits
        self._check_largest(*largest)
        if files > limits.changeset_files:
            raise TooBig(f"the change has {files:,} files; the limit is {limits.changeset_files:,}")
        if size > limits.changeset_bytes:
            raise TooBig(f"the change has {size:,} bytes; the limit is {limits.changeset_bytes:,}")


def _files_beneath(root: Path, path: bytes, refused: Callable[[OSError], None]) -> Iterable[bytes]:
    """`refused` is told of each directory that cannot be listed."""
    top = os.path.join(os.fsencode(root), path)
    for directory, names, files in os.walk(top, onerror=refused):
        names[:] = [name for name in names if name != b".git"]
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        for name in (*files, *links):
            yield os.path.relpath(os.path.join(directory, name), os.fsencode(root))
