"""Trees of the trusted repository: what differs between two, and what comes of changes laid on one. The workspace is not
touched here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from runner_image.git import Git, read_blobs
from shared.domain.protocol import MODES, Change

ABSENT = "0" * 40


def tree_of(git: Git, commit: str) -> str:
    """The id of a commit's tree. Raises GitFailed."""
    return git.line("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")


def compare(git: Git, before: str, after: str) -> tuple[Change, ...]:
    """What turns `before` into `after`, file by file, without guessing at renames. Submodules are not looked into."""
    rows = _differences(git, before, after)
    data = read_blobs(git, (blob for _, mode, blob in rows if mode in MODES))
    changes = []
    for path, mode, blob in rows:
        if mode in MODES:
            changes.append(Change(path, mode, data[blob]))
        elif mode == "000000":
            changes.append(Change(path, None))
    return tuple(changes)


def changed_paths(git: Git, before: str, after: str) -> dict[bytes, str | None]:
    """Path -> mode after, None when deleted."""
    return {path: mode if mode in MODES else None for path, mode, _ in _differences(git, before, after)}


def submodules(git: Git, before: str, after: str) -> list[tuple[bytes, str]]:
    """(path, commit) of each submodule that `after` has and `before` has not."""
    return [(path, commit) for path, mode, commit in _differences(git, before, after) if mode == "160000"]


def files_of(git: Git, tree: str, paths: Iterable[bytes]) -> tuple[Change, ...]:
    """Those of `paths` that `tree` has as files or links."""
    wanted = set(paths)
    rows = []
    for row in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        about, _, path = row.partition(b"\t")
        if path in wanted and (mode := about[:6].decode()) in MODES:
            rows.append((path, mode, about.split()[2].decode()))
    data = read_blobs(git, (blob for _, _, blob in rows))
    return tuple(Change(path, mode, data[blob]) for path, mode, blob in rows)


def paths_of(git: Git, tree: str) -> list[bytes]:
    out = git.run("ls-tree", "-r", "-z", "--full-tree", "--name-only", tree)
    return [path for path in out.split(b"\0") if path]


def sizes_of(git: Git, before: str, after: str) -> tuple[int, int, tuple[int, bytes]]:
    """Of the change between two trees: files, bytes of all, (bytes, path) of the largest. Reads no content."""
    rows = _differences(git, before, after)
    kept = [(path, blob) for path, mode, blob in rows if mode in MODES]
    if not kept:
        return len(rows), 0, (0, b"")
    out = git.run("cat-file", "--batch-check=%(objectsize)", stdin="".join(f"{blob}\n" for _, blob in kept).encode())
    sizes = [(int(size), path) for size, (path, _) in zip(out.split(), kept, strict=True)]
    return len(rows), sum(size for size, _ in sizes), max(sizes)


def lay_on(git: Git, tree: str, changes: Iterable[Change]) -> str:
    """The tree that comes of laying `changes` on `tree`."""
    changes = list(changes)
    blobs = iter(_store(git, [change.data for change in changes if change.mode is not None]))
    rows = []
    for change in changes:
        about = b"0 " + ABSENT.encode() if change.mode is None else f"{change.mode} {next(blobs)}".encode()
        rows.append((about, change.path))
    return _write(git, tree, rows)


def _store(git: Git, contents: list[bytes]) -> list[str]:
    with TemporaryDirectory(dir=git.directory) as scratch:
        for number, content in enumerate(contents):
            (Path(scratch) / str(number)).write_bytes(content)
        names = "".join(f"{scratch}/{number}\n" for number in range(len(contents)))
        return git.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names.encode()).decode().split()


def carry_over(git: Git, before: str, after: str, onto: str) -> str:
    """The tree that comes of doing to `onto` what was done from `before` to `after`."""
    rows = []
    for path, mode, blob in _differences(git, before, after):
        if mode in MODES:
            rows.append((f"{mode} {blob}".encode(), path))
        elif mode == "000000":
            rows.append((b"0 " + ABSENT.encode(), path))
    return _write(git, onto, rows)


def _write(git: Git, tree: str, rows: Iterable[tuple[bytes, bytes]]) -> str:
    # Deletions first: a file may have become a directory, or the other way round.
    ordered = sorted(rows, key=lambda row: not row[0].startswith(b"0 "))
    with TemporaryDirectory(dir=git.directory) as scratch:
        index = Path(scratch) / "index"
        git.run("read-tree", tree, index=index)
        git.run("update-index", "-z", "--index-info", index=index, stdin=b"".join(b"%b\t%b\0" % row for row in ordered))
        return git.line("write-tree", index=index)


def _differences(git: Git, before: str, after: str) -> list[tuple[bytes, str, str]]:
    """(path, mode after, blob after) of each path that differs; mode 000000 when it is gone."""
    out = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--full-index", before, after)
    fields = out.split(b"\0")
    rows = []
    for about, path in zip(fields[:-1:2], fields[1::2], strict=False):
        _, mode, _, blob, _ = about.decode().split()
        rows.append((path, mode, blob))
    return rows
