"""One host a home: two would ring everything twice. The lock says who it is, and who dies lets go of it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.errors import NotConfigured

LOCK = "host.lock"


@dataclass(frozen=True)
class Holder:
    """`what` was started ("`persevere up`"), `which` process that is and since when; "" where it has not said so yet."""

    what: str
    which: str

    def at_work(self, where: str = "") -> str:
        which = f" ({self.which})" if self.which else ""
        return f"{self.what or 'another host'} is at work{where}{which}"


@contextmanager
def alone(home: Path, what: str) -> Iterator[None]:
    """Raises NotConfigured while another one holds that home."""
    with (home / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotConfigured(_read(home).at_work(f" in {home}"), "stop it, or set another PERSEVERE_HOME") from error
        lock.truncate(0)
        lock.write(f"{what}\nprocess {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M')}")
        lock.flush()
        yield


def holder(home: Path) -> Holder | None:
    """Who is at work there now. What a host that was killed left behind in files is nobody."""
    if not (home / LOCK).is_file():
        return None
    found = _read(home)
    if found.which and not _lives(found.which):
        return None  # without trying the lock, which a host that starts just now must find free
    with (home / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return found
    return None


def _read(home: Path) -> Holder:
    what, _, which = (home / LOCK).read_text("utf-8").strip().rpartition("\n")
    return Holder(what, which)


def _lives(which: str) -> bool:
    found = re.match(r"process (\d+)", which)
    if found is None:
        return True
    with suppress(PermissionError):  # somebody else's, and alive
        try:
            os.kill(int(found[1]), 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
