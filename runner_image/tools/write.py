"""write: a whole file, made or replaced."""

from __future__ import annotations

from runner_image.beneath import Changed, Outside
from runner_image.tools.contract import Args, Bench, Refused, Result


class WriteArgs(Args):
    path: str
    content: str


def run_write(bench: Bench, args: WriteArgs) -> Result:
    """Raises Refused."""
    path = bench.path(args.path)
    if not path:
        raise Refused("That is the workspace itself, not a file.")
    data = args.content.encode("utf-8", "surrogatepass")
    note = put(bench, path, data, args.path)
    return Result(f"{args.path} written, {len(data):,} bytes.{note}")


def put(bench: Bench, path: bytes, data: bytes, shown: str, was: bytes | None = None) -> str:
    """A note on the syntax. Raises Refused in the agent's words for what the file system says."""
    try:
        return bench.files.write(path, data, was)
    except Outside as error:
        raise Refused(f"{error}. Nothing was written.") from error
    except Changed as error:
        raise Refused(f"{shown} changed while it was edited. Nothing was written; view it again.") from error
    except IsADirectoryError as error:
        raise Refused(f"{shown} is a directory or no regular file. Nothing was written.") from error
    except OSError as error:
        raise Refused(f"{shown} cannot be written: {error.strerror}") from error
