"""Memory: how much of it there is for us, how much is left, and how much a command and all that it started hold.

Linux alone says so (proc(5), cgroups(7)); elsewhere nothing is known and nothing is ended for it. What is left is that of
the machine, or of the nearest control group around us that has less.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MEMINFO = PROC / "meminfo"
CGROUPS = Path("/sys/fs/cgroup")
# Version 1 of control groups, then version 2: limit, use, and what of the use the kernel takes back for whoever wants it.
V1: tuple[str, str, Sequence[str]] = (
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
V2: tuple[str, str, Sequence[str]] = (
    "memory.max",
    "memory.current",
    ("inactive_file", "active_file", "slab_reclaimable"),
)
FLOOR_SHARE, FLOOR_LEAST, FLOOR_MOST = 8, 256 << 20, 1 << 30
NEAR = 4  # so many times the floor: from there on it is looked at often


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes."""

    total: int
    left: int

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
        total, left = (int(rows[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError):
        return None
    for most, free in _groups():
        total, left = min(total, most), min(left, free)
    return Room(total, left)


def _groups() -> Iterator[tuple[int, int]]:
    """(limit, what is left of it) of each control group that we are in, from the innermost out."""
    try:
        lines = (PROC / "self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, (limit, use, spare) = CGROUPS, V2
        elif "memory" in controllers.split(","):
            root, (limit, use, spare) = CGROUPS / "memory", V1
        else:
            continue
        own = root / path.lstrip("/")
        # In a container the path may be the machine's, and our own group what is mounted.
        for directory in (own, *own.parents) if own.is_dir() else (root,):
            if (found := _group(directory, limit, use, spare)) is not None:
                yield found
            if directory == root:
                break


def _group(directory: Path, limit: str, use: str, spare: Sequence[str]) -> tuple[int, int] | None:
    try:
        most = int((directory / limit).read_text("ascii"))
        rows = dict(line.split() for line in (directory / "memory.stat").read_text("ascii").splitlines())
        used = int((directory / use).read_text("ascii")) - sum(int(rows.get(name, 0)) for name in spare)
    except (OSError, ValueError, KeyError):  # no limit ("max"), or the root, which has none
        return None
    return most, most - used


def held_by(first: int) -> int:
    """Bytes of their own that a process and all that descend from it hold: in memory, swapped out, or in files in memory
    that they alone see. What lies in those that all on the machine see is nobody's.
    """
    held, mapped, files = 0, 0, dict[str, int]()
    everybodys = _in_files("self")
    for pid, mounts in _family(first):
        own = _status(pid)
        held += own["RssAnon"] + own["VmSwap"]
        mapped = max(mapped, own["RssShmem"])
        if mounts not in files:
            files[mounts] = sum(size for at, size in _in_files(str(pid)).items() if at not in everybodys)
    # What is mapped lies in such a file, too, or in one without a name.
    return held + max(mapped, *files.values(), 0)


def _in_files(pid: str) -> dict[str, int]:
    """Bytes in each file system in memory that a process sees, by its device."""
    try:
        lines = (PROC / pid / "mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:  # it has ended
        return {}
    top: dict[str, tuple[str, bool]] = {}
    for line in lines:
        about, _, kind = line.partition(" - ")
        device, _, point = about.split()[2:5]
        top[point] = (device, kind.startswith("tmpfs "))  # the last one at a point is the one that is seen
    found: dict[str, int] = {}
    for point, (device, in_memory) in top.items():
        if not in_memory:
            continue
        path = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point)
        try:
            at = os.statvfs(f"{PROC}/{pid}/root{path}")
        except OSError:  # not ours to look at, or hidden behind another
            continue
        found[device] = (at.f_blocks - at.f_bfree) * at.f_frsize
    return found


def _family(first: int) -> Iterator[tuple[int, str]]:
    """A process and all that descend from it, each with the name of the mounts that it sees."""
    children: dict[int, list[int]] = {}
    for directory in PROC.glob("[0-9]*"):
        try:
            # "pid (name) state ppid ...": a name may hold anything, so count from the last parenthesis.
            parent = int((directory / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended
        children.setdefault(parent, []).append(int(directory.name))
    todo = [first]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, ())
        try:
            yield pid, str((PROC / str(pid) / "ns/mnt").readlink())
        except OSError:  # not ours to ask, or it has ended
            yield pid, ""


def _status(pid: int) -> dict[str, int]:
    """Bytes, by name; 0 where it has ended."""
    said = dict.fromkeys(("RssAnon", "RssShmem", "VmSwap"), 0)
    try:
        for line in (PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name in said:
                said[name] = int(value.split()[0]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return said
