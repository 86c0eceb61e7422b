"""What a published step did: the commands of SWE-agent's interfaces, or a plain shell line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Open:
    path: str
    line: int | None = None


@dataclass(frozen=True)
class Goto:
    line: int


@dataclass(frozen=True)
class Scroll:
    """`by` windows, downwards when positive."""

    by: int


@dataclass(frozen=True)
class Create:
    """An empty file that becomes the open one."""

    path: str


@dataclass(frozen=True)
class Insert:
    """Lines behind `line` (1 is the first), or at the end, of `path` or the open file."""

    text: str
    line: int | None = None
    path: str | None = None


@dataclass(frozen=True)
class EditLines:
    """Lines `first` to `last` of the open file, both included, become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SetCursors:
    """The lines that the next `EditCursors` is about, both included."""

    first: int
    last: int


@dataclass(frozen=True)
class EditCursors:
    """The lines between the cursors become `lines`."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class EditWindow:
    """All lines that are shown become `text`."""

    text: str


@dataclass(frozen=True)
class Replace:
    """The first `old` among the lines that are shown (all of them where `every`)."""

    old: str
    new: str
    every: bool = False


@dataclass(frozen=True)
class ReplaceOnce:
    """The only `old` of a file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Undo:
    """The newest edit of a file by its editor is taken back."""

    path: str


@dataclass(frozen=True)
class WriteWhole:
    path: str
    text: str


@dataclass(frozen=True)
class View:
    path: str
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Find:
    """Files of that name (a shell pattern) below a directory."""

    name: str
    below: str | None = None


@dataclass(frozen=True)
class Search:
    """Lines with that text, below a directory, in a file, or (both None) in the open file."""

    text: str
    below: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class Shell:
    command: str


@dataclass(frozen=True)
class Submit:
    """The work is handed over, once the shell line `before` (if any) has run: all of it, or what the file `patch` says."""

    before: str = ""
    patch: str = ""


@dataclass(frozen=True)
class Nothing:
    """The step did nothing: its text was empty, or its environment had ended it."""


Action = (
    Open | Goto | Scroll | Create | Insert | EditLines | SetCursors | EditCursors | EditWindow | Replace | ReplaceOnce
    | Undo | WriteWhole | View | Find | Search | Shell | Submit | Nothing
)  # fmt: skip

EDITING = (Create, Insert, EditLines, EditCursors, EditWindow, Replace, ReplaceOnce, Undo, WriteWhole)
