"""The AWS emulator that nobody here wrote (PyPI `ministack`), started for a run of tests on a free port of loopback.

`bin/emulator` makes its environment; where that was not called, what needs it is skipped and says so.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / ".emulator" / "bin" / "python"
REGION = "us-east-1"
NOT_MADE = "the AWS emulator is not set up here: call bin/emulator"
START_S = 180.0

ADDRESS = "PERSEVERE_TEST_EMULATOR"
"""Where it answers, for the processes that a test starts."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def emulator(home: Path, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Its address. After the block it is gone, with all that it held."""
    with emulator_process(home, ["-m", "ministack"], more) as (url, _):
        yield url


@contextmanager
def emulator_process(
    home: Path, command: Sequence[str], more: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """Address and process id of one that is begun by `command` of its interpreter."""
    if not PROGRAM.exists():
        pytest.skip(NOT_MADE)
    home.mkdir(parents=True, exist_ok=True)
    process, url = _start(home, command, more or {})
    try:
        yield url, process.pid
    finally:
        _end(process)


def _start(
    home: Path, command: Sequence[str], more: Mapping[str, str], tries: int = 3
) -> tuple[subprocess.Popen[bytes], str]:
    """One that answers. It takes no port 0, and whoever else wants one may get in before it: then it is given another."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        **CREDENTIALS,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        **more,
    }
    with (home / "emulator.log").open("ab") as log:
        process = subprocess.Popen(
            [PROGRAM, *command], env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, home / "emulator.log")
    except BaseException as error:
        _end(process)
        if tries > 1 and isinstance(error, AssertionError):
            return _start(home, command, more, tries - 1)
        raise
    return process, url


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its functions' processes


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, f"the emulator ended: {log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=60):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the emulator did not answer within {START_S:g} s: {log.read_text()[-2000:]}")
