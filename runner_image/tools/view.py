"""view: a file's lines with their numbers, or what a directory holds."""

from __future__ import annotations

from pydantic import Field

from runner_image.beneath import Outside
from runner_image.tools.contract import Args, Bench, Refused, Result
from shared.domain.protocol import TAIL_MAX_CHARS

MOST_BYTES = 10_000_000
MOST_NAMES = 400
LINE_CHARS = 500
ROOM = TAIL_MAX_CHARS - 300


class ViewArgs(Args):
    path: str
    start: int | None = Field(default=None, ge=1)
    end: int | None = Field(default=None, ge=1)


def run_view(bench: Bench, args: ViewArgs) -> Result:
    """Raises Refused."""
    path = bench.path(args.path)
    try:
        return _view_file(bench, path, args)
    except IsADirectoryError:
        return _view_directory(bench, path, args.path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(f"{args.path} does not exist.{_nearby(bench, path)}") from error
    except Outside as error:
        raise Refused(f"{error}. Name its target instead, if that is inside the workspace.") from error
    except OSError as error:
        raise Refused(f"{args.path} cannot be read: {error.strerror}") from error


def _view_file(bench: Bench, path: bytes, args: ViewArgs) -> Result:
    data = bench.files.read(path, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refused(f"{args.path} is longer than {MOST_BYTES:,} bytes; use sed -n or head through bash.")
    if b"\0" in data[:8000]:
        raise Refused(f"{args.path} is not text ({len(data):,} bytes); use file or xxd through bash.")
    lines = data.decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    start, end = args.start or 1, args.end or len(lines)
    if not lines:
        return Result(f"{args.path} is empty.")
    if start > len(lines) or end < start:
        raise Refused(
            f"{args.path} has {len(lines):,} lines; there is nothing from {start} to {args.end or 'its end'}."
        )
    return Result(_numbered(lines, start, min(end, len(lines))), bytes=len(data))


def _numbered(lines: list[str], start: int, end: int) -> str:
    """Whole lines until there is no more room; then how to go on."""
    shown: list[str] = []
    used = 0
    for number in range(start, end + 1):
        line = lines[number - 1].removesuffix("\r")
        if len(line) > LINE_CHARS:
            line = f"{line[:LINE_CHARS]} [... {len(line) - LINE_CHARS:,} more characters]"
        row = f"{number:6}\t{line}"
        used += len(row) + 1
        if used > ROOM:
            return "\n".join(shown) + f"\n[lines {start}-{number - 1} of {len(lines):,}; go on with start={number}]"
        shown.append(row)
    whole = start == 1 and end == len(lines)
    return "\n".join(shown) + ("" if whole else f"\n[lines {start}-{end} of {len(lines):,}]")


def _view_directory(bench: Bench, path: bytes, shown_path: str) -> Result:
    try:
        names, count = bench.files.names(path, MOST_NAMES)
    except OSError as error:
        raise Refused(f"{shown_path} is neither a file nor a directory.") from error
    rows = [name.decode("utf-8", "backslashreplace") + ("/" if is_directory else "") for name, is_directory in names]
    more = f"\n[... {count - len(rows):,} more]" if count > len(rows) else ""
    return Result("\n".join(rows) + more if rows else f"{shown_path} is an empty directory.")


def _nearby(bench: Bench, path: bytes) -> str:
    """Names of the nearest directory that does exist, for an agent that guessed."""
    while path:
        path = path.rpartition(b"/")[0]
        try:
            names, _ = bench.files.names(path, 40)
        except (OSError, Outside):
            continue
        where = path.decode("utf-8", "backslashreplace") or "the workspace"
        listed = ", ".join(name.decode("utf-8", "backslashreplace") for name, _ in names)
        return f" {where} holds: {listed}"
    return ""
