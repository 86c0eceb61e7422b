"""What a sandbox is: one way to run one command of the repository, fenced off, its whole tree of processes ended after it.

Every backend gives the same three answers about the network, so that status and evidence can say what was really there:
`open` (set-up: the machine's own network), `local` (a loopback of its own and nothing else), `none` (not even that).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from runner_image.sandbox.output import Output

Network = Literal["open", "local", "none"]
End = Literal["exited", "timeout", "killed", "unstarted"]


def really(sandbox: str, network: Network) -> Network:
    """What a command asks for, and what the backend of that name gives where it cannot give just that."""
    match sandbox:
        case "none":
            return "open"
        case "uid:none" if network == "local":
            return "none"
        case _:
            return network


class NoSandbox(Exception):
    """This machine cannot fence off the repository's code; the text is for the person who runs it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The directories that a command may write to. Nothing else of the machine's is writable inside."""

    workspace: Path
    home: Path
    scratch: Path | None = None
    """Kept as /tmp from one command to the next; None gives each command an empty one of its own."""


@dataclass(frozen=True, slots=True)
class Command:
    """One shell line, run by bash (else sh) in the workspace's root; its standard input holds `stdin` and then ends."""

    line: str
    seconds: float
    network: Network = "local"
    environment: Mapping[str, str] = field(default_factory=dict)
    output_bytes: int = 10_000_000
    spool: Path | None = None
    """Where the output is kept, up to `output_bytes`; what comes after is counted and dropped."""
    record: Path | None = None
    """A directory of this run alone, writable inside under `Sandbox.record_path`."""
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. `exit` is the shell's exit code (128 + n for a signal) and None where there was none."""

    end: End
    exit: int | None
    seconds: float
    output: Output


class Sandbox(Protocol):
    name: str
    python: str
    """Version of the interpreter that `python` means inside."""

    def label(self, network: Network) -> str:
        """What fences it off, in words for a status line."""
        ...

    def workspace_path(self, place: Place) -> str:
        """Where the workspace lies as a command sees it."""
        ...

    def home_path(self, place: Place) -> str: ...

    def scratch_path(self, place: Place) -> str: ...

    def record_path(self, record: Path) -> str:
        """Where `Command.record` lies as the command sees it."""
        ...

    def own(self, path: Path) -> None:
        """Gives a tree that was written from outside to whoever commands run as."""
        ...

    def run(self, place: Place, command: Command) -> Ran:
        """Never raises for what the command does; at return no process of it is left."""
        ...

    def kill(self) -> None:
        """From any thread: ends the running command and refuses every later one (`end` is "killed")."""
        ...
