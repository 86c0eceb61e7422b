"""A process that serves until it is told to leave, and says where once it answers."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path


def until_told() -> threading.Event:
    """Set by SIGTERM or SIGINT. Call it before anything is started."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    return over


def announce(url: str, ready_file: Path | None) -> None:
    """One line `{"url", "pid"}` on stdout, and in the file; renamed into place, so that a reader never sees half of it."""
    ready = json.dumps({"url": url, "pid": os.getpid()})
    if ready_file:
        part = ready_file.with_name(ready_file.name + ".part")
        part.write_text(ready)
        part.replace(ready_file)
    sys.stdout.write(ready + "\n")
    sys.stdout.flush()
