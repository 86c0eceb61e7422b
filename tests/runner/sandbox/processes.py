"""Which processes of this machine there are, by a word among their arguments."""

import time
from pathlib import Path


def lives(word: str) -> bool:
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in command.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def gone(word: str) -> bool:
    until = time.monotonic() + 60
    while lives(word) and time.monotonic() < until:
        time.sleep(0.02)
    return not lives(word)
