"""The workspace's files as the tools reach them: by a command inside the sandbox, as its user, on its mounts.

So a file tool can do nothing that `bash` could not, whatever the repository has made of its paths. The interpreter is the
one that `python` means inside, isolated (`-I -S`): neither the workspace nor HOME, PYTHON* or a sitecustomize reach it.
What comes back was made beside hostile files and is read as such.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from runner_image import beneath
from runner_image.beneath import Changed, Outside
from runner_image.job import Job
from runner_image.sandbox.contract import Command
from runner_image.workspace import Checkout

SECONDS = 60
NOTE_CHARS = 500
HEAD_BYTES = 100_000
FUTURE = "from __future__ import annotations\n"


def _program() -> str:
    """Both texts as one: a future import stands first in a program, and once."""
    texts = [Path(str(beneath.__file__)), Path(__file__).with_name("inside.py")]
    return FUTURE + "".join(path.read_text("utf-8").replace(FUTURE, "") for path in texts) + "serve(Beneath('.'))\n"


LINE = f"exec python -I -S -c {shlex.quote(_program())}"


class NoAnswer(Exception):
    """The command inside did not answer as it must; the text says what there was instead."""


class _Answer(BaseModel):
    """Its words. The names are those of `inside.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(ge=0)
    count: int = Field(default=0, ge=0)
    outside: str = Field(default="", max_length=20_000, pattern=r"^([0-9a-f]{2})*$")
    changed: bool = False
    written: bool = False
    errno: int | None = Field(default=None, ge=1, le=4095)


@dataclass(frozen=True, slots=True)
class SandboxFiles:
    """Paths are relative, as bytes. Every call raises what `Beneath` raises, NoAnswer and Ending."""

    job: Job
    checkout: Checkout

    def read(self, path: bytes, at_most: int) -> bytes:
        """A regular file's first `at_most` bytes."""
        return self._ask("read", path, at_most, most=at_most)[1]

    def names(self, path: bytes, at_most: int) -> tuple[list[tuple[bytes, bool]], int]:
        """The first of what lies in a directory (name, is a directory), and how much that is; `.git` left out."""
        answer, data = self._ask("names", path, at_most * 300, most=at_most)
        rows = [row for row in data.split(b"\0")[:at_most] if row]
        return [(row[1:], row[:1] == b"d") for row in rows], answer.count

    def write(self, path: bytes, data: bytes, was: bytes | None = None) -> str:
        """Writes the whole file, or none of it. Gives a note on its syntax, or nothing."""
        answer, note = self._ask("write", path, NOTE_CHARS * 6, data, was or b"", known=int(was is not None))
        if not answer.written:
            raise NoAnswer("it did not say that it wrote")
        return note.decode("utf-8", "replace")[:NOTE_CHARS]

    def _ask(
        self, do: str, path: bytes, at_most: int, body: bytes = b"", was: bytes = b"", **more: int
    ) -> tuple[_Answer, bytes]:
        spool = self.checkout.spool
        words = {"do": do, "path": path.hex(), "bytes": len(body), **more}
        head = " ".join(f"{name}={value}" for name, value in words.items())
        command = Command(
            line=LINE,
            seconds=SECONDS,
            network="local",
            output_bytes=HEAD_BYTES + at_most,
            spool=spool,
            stdin=head.encode("ascii") + b"\n" + body + was,
        )
        ran = self.job.fence(self.checkout.place, command)
        if ran.end == "killed":
            self.job.check_time()
        if ran.end != "exited" or (ran.exit != 0 and not ran.output.size):
            raise NoAnswer(f"it ended with {ran.exit if ran.end == 'exited' else ran.end}")
        answer, data = _read(spool, at_most)
        if answer.outside:
            raise Outside(bytes.fromhex(answer.outside).decode("utf-8", "backslashreplace"))
        if answer.changed:
            raise Changed
        if answer.errno is not None:
            raise OSError(answer.errno, os.strerror(answer.errno))
        return answer, data


def _read(spool: Path, at_most: int) -> tuple[_Answer, bytes]:
    with spool.open("rb") as file:
        head = file.readline(HEAD_BYTES)
        try:
            answer = _Answer.model_validate_strings(dict(word.split("=", 1) for word in head.decode("ascii").split()))
        except ValueError as error:  # pydantic's and that of bytes which are no ASCII among them
            raise NoAnswer(f"it said {head[:200].decode('utf-8', 'replace')!r}") from error
        data = file.read(at_most + 1)
    if len(data) > at_most or len(data) < answer.bytes:
        raise NoAnswer(f"it promised {answer.bytes:,} bytes and gave {len(data):,}")
    return answer, data
