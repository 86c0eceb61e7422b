"""Who is at work in a home: the command that was started, and nobody as soon as its process is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.doctor.finding import Context
from local.doctor.machine import at_work
from local.host_lock import LOCK, alone, holder
from shared.errors import NotConfigured
from shared.settings import read

HOLD = """
import sys, pathlib, local.host_lock
with local.host_lock.alone(pathlib.Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(home: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(home), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def said(home: Path) -> str:
    environment = {"PERSEVERE_HOME": str(home)}
    return at_work(Context(read(environment), environment)).what


@pytest.mark.parametrize("what", ["`persevere up`", "`persevere demo`", "`persevere case`"])
def test_what_runs_is_named_and_gone_with_its_process(tmp_path: Path, what: str) -> None:
    assert holder(tmp_path) is None
    with another(tmp_path, what) as process:
        found = holder(tmp_path)
        assert found is not None and found.what == what
        assert said(tmp_path).startswith(f"{what} is at work (process {process.pid}, since 2")
        with pytest.raises(NotConfigured, match=f"{what} is at work in .* \\(process {process.pid}"):
            alone(tmp_path, "`persevere up`").__enter__()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / LOCK).read_text(), "it had no time to clear away"
        assert said(tmp_path) == "nobody is at work in this home; `persevere up` begins"
    with alone(tmp_path, what):
        pass


def test_a_process_that_has_got_the_number_of_one_that_is_gone_is_not_at_work(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(f"`persevere up`\nprocess {os.getpid()}, since 2026-01-01 10:00")
    assert holder(tmp_path) is None


def test_a_holder_that_has_not_said_yet_who_it_is_is_at_work_nevertheless(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert said(tmp_path) == "another host is at work"
