"""What a command may not use up, since all on the machine need it: the disk, its files, memory. Looked at while it runs.

Each has a floor that must be left. Of the disk a command may also take no more than so much, however large it is.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from runner_image.sandbox import memory

POLL_S = 0.25
NEAR_POLL_S = 0.02  # memory that is nearly gone is gone within tenths of a second

FREE_BYTES = 512 << 20
TAKEN_BYTES = 50 << 30
FREE_FILES = 50_000
TAKEN_FILES = 1_000_000

ENDED = "\n[ended with all that it had started: {}]\n"


class Watch:
    """Over one command. `Running` asks it again and again; it looks when its time has come."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._disk = self._look_at_disk()
        self._looked = time.monotonic()
        self.interval = POLL_S
        self.said = ""

    def is_over(self, first: int) -> bool:
        """Whether the command whose first process that is must be ended; `said` has the line for who reads its output."""
        now = time.monotonic()
        if now - self._looked < self.interval:
            return False
        self._looked = now
        why = self._disk_over() or self._memory_over(first)
        if why:
            self.said = ENDED.format(why)
        return bool(why)

    def _look_at_disk(self) -> os.statvfs_result | None:
        """None where a command without a fence has removed its own workspace."""
        try:
            return os.statvfs(self._workspace)
        except OSError:
            return None

    def _disk_over(self) -> str:
        before, now = self._disk, self._look_at_disk()
        if before is None or now is None:
            return ""
        size = now.f_frsize
        if now.f_bavail * size < FREE_BYTES:
            return f"less than {FREE_BYTES >> 20} MB of the disk were left"
        if (before.f_bavail - now.f_bavail) * size > TAKEN_BYTES:
            return f"more than {TAKEN_BYTES >> 30} GB of the disk were taken while it ran"
        if before.f_favail - now.f_favail > TAKEN_FILES:
            return f"more than {TAKEN_FILES:,} files were made while it ran"
        # A file system that was made with few, or that does not count them (0), has no such floor.
        if now.f_favail < min(FREE_FILES, now.f_files // 20):
            return f"room for less than {FREE_FILES:,} more files was left on the disk"
        return ""

    def _memory_over(self, first: int) -> str:
        """Over, where too little is left and what the command holds is more than that: another one's greed is not its fault."""
        room = memory.look()
        self.interval = NEAR_POLL_S if room is not None and room.is_near else POLL_S
        if room is None or not room.is_short:
            return ""
        held = memory.held_by(first)
        if held <= room.left:
            return ""
        return f"it held {held >> 20:,} MB of memory, and less than {room.floor >> 20:,} of {room.total >> 20:,} MB were left"
