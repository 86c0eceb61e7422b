"""User ids of our own, and trees given to them."""

from __future__ import annotations

import os
from pathlib import Path

# Above every range that Debian, systemd and container engines hand out (systemd.io/UIDS-GIDS).
FIRST_UID = 0x70000000


def give_tree(path: Path, uid: int) -> None:
    """Owner of `path` and all beneath, links themselves included and never followed."""
    os.chown(path, uid, uid, follow_symlinks=False)
    for directory, names, files, descriptor in os.fwalk(path, follow_symlinks=False):
        del directory
        for name in (*names, *files):
            if os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_uid != uid:
                os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
