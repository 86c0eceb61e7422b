"""Memory: how much of it there is for us, how much is left, and how much a command and all that it started hold.

Linux alone says so (proc(5), cgroups(7)); elsewhere nothing is known and nothing is ended for it. What is left is that of
the machine, or of the nearest control group around us that has less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MEMINFO = PROC / "meminfo"
CGROUPS = Path("/sys/fs/cgroup")
# Version 1 of control groups, then version 2: limit, use, and what of the use can be had back at once.
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")
FLOOR_SHARE, FLOOR_LEAST, FLOOR_MOST = 8, 256 << 20, 1 << 30
NEAR = 4  # so many times the floor: from there on it is looked at often


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes. `shared` is memory that belongs to files in memory and not to a process (tmpfs, System V)."""

    total: int
    left: int
    shared: int

    @property
    def floor(self) -> int:
        """What is to be left: an eighth, between 256 MB and 1 GB."""
        return min(max(self.total // FLOOR_SHARE, FLOOR_LEAST), FLOOR_MOST)

    @property
    def is_near(self) -> bool:
        return self.left < NEAR * self.floor

    @property
    def is_short(self) -> bool:
        return self.left < self.floor


def look() -> Room | None:
    """None where the machine does not say."""
    try:
        rows = dict(line.split(":", 1) for line in MEMINFO.read_text("ascii").splitlines())
        total, left, shared = (int(rows[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable", "Shmem"))
    except (OSError, ValueError, KeyError):
        return None
    for most, free in _groups():
        total, left = min(total, most), min(left, free)
    return Room(total, left, shared)


def _groups() -> Iterator[tuple[int, int]]:
    """(limit, what is left of it) of each control group that we are in, from the innermost out."""
    try:
        lines = (PROC / "self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = CGROUPS, V2
        elif "memory" in controllers.split(","):
            root, names = CGROUPS / "memory", V1
        else:
            continue
        own = root / path.lstrip("/")
        # In a container the path may be the machine's, and our own group what is mounted.
        for directory in (own, *own.parents) if own.is_dir() else (root,):
            if (found := _group(directory, *names)) is not None:
                yield found
            if directory == root:
                break


def _group(directory: Path, limit: str, use: str, spare: str) -> tuple[int, int] | None:
    try:
        most = int((directory / limit).read_text("ascii"))
        rows = dict(line.split() for line in (directory / "memory.stat").read_text("ascii").splitlines())
        used = int((directory / use).read_text("ascii")) - int(rows[spare])
    except (OSError, ValueError, KeyError):  # no limit ("max"), or the root, which has none
        return None
    return most, most - used


def held_by(first: int) -> int:
    """Bytes of their own that a process and all that descend from it hold, in memory or swapped out."""
    children: dict[int, list[int]] = {}
    for directory in PROC.glob("[0-9]*"):
        try:
            # "pid (name) state ppid ...": a name may hold anything, so count from the last parenthesis.
            parent = int((directory / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended
        children.setdefault(parent, []).append(int(directory.name))
    held, todo = 0, [first]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, ())
        held += _own(pid)
    return held


def _own(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon:", "VmSwap:")))
    except (OSError, ValueError, IndexError):
        return 0
