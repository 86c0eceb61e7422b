"""Where a trial puts its files: a directory that is ours to empty, with one trial in it at a time."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.keyring import make_directory
from shared.errors import NotConfigured

LOCK = ".lock"


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Raises NotConfigured while another trial holds `lock`. Who dies lets go of it."""
    with (make_directory(lock.parent) / lock.name).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotConfigured(
                f"another one runs in {lock.parent}",
                "wait for it, or name another place: --home of a demo, PERSEVERE_HOME of a case",
            ) from None
        yield


def check_ours(directory: Path) -> None:
    """Raises NotConfigured where emptying it would take away what no trial has put there."""
    if (directory / LOCK).is_file() or (directory / "home" / "github.log").is_file():
        return
    for name in ("home", "made"):
        if (directory / name).exists():
            raise NotConfigured(f"{directory / name} is not of a demo, and would be emptied", "name another --home")


def drop_pages(directory: Path) -> None:
    """The pages of an earlier trial."""
    if (directory / "index.html").is_file():
        shutil.rmtree(directory)
