"""What the agent's commands have shut with their modes, opened again for us: a checkpoint or a change must have it.

Where we are not root, or are root without its rights over files, we are held by modes as the agent is; and git takes a file
in a directory that it may not enter for deleted, and passes over a directory that it may not list. The files are ours to
open, since commands run as our own user there. Nothing of the agent's runs meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

DENIED = b"Permission denied"  # git speaks English to us, whatever the machine's language is


def any_shut(root: Path, paths: Iterable[bytes]) -> bool:
    """Whether one of those lies where we may not look, or is a file that we may not read."""
    top = os.fsencode(root)
    for path in paths:
        whole = os.path.join(top, path)
        try:
            if stat.S_ISREG(os.lstat(whole).st_mode) and not os.access(whole, os.R_OK):
                return True
        except PermissionError:
            return True
        except OSError:
            continue  # gone, or no way leads there
    return False


def open_up(root: Path) -> None:
    """Each directory beneath `root` may be listed, entered and written to by its owner, and each file read."""
    todo = [os.fsencode(root)]
    while todo:
        directory = todo.pop()
        with suppress(OSError):  # another user's, or deeper than a path can be: whoever needs it meets that itself
            _add_mode(directory, os.lstat(directory).st_mode, stat.S_IRWXU)
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        with suppress(OSError):
                            _add_mode(entry.path, entry.stat(follow_symlinks=False).st_mode, stat.S_IRUSR)


def _add_mode(path: bytes, mode: int, wanted: int) -> None:
    if mode & wanted != wanted:
        os.chmod(path, stat.S_IMODE(mode) | wanted)  # noqa: PTH101  # paths of a repository are bytes
