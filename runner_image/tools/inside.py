"""What runs inside the sandbox for view, edit and write: one request on standard input, one answer on standard output.

Never imported by the runner: `files.py` sends this text, behind that of `beneath.py`, to the interpreter inside. So: the
standard library alone, nothing that Python 3.9 does not have, and no import that costs milliseconds at each call (json and
its re above all). A request and an answer are each a line of `name=value` words (ASCII; text and paths in hex) and then
`bytes` bytes as they are; behind a request, what the file must hold when it is written.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` itself would cost a call some milliseconds
if TYPE_CHECKING:
    from typing import Any

    from runner_image.beneath import Beneath, Changed, Outside  # noqa: TC004 - their text stands above this one

NOTE_BYTES = 1_000_000  # a parser takes many times a file's size


def serve(files: Beneath) -> None:
    """Answers the one request. What the file system says is an answer as well."""
    request = dict(word.split("=", 1) for word in sys.stdin.buffer.readline().decode("ascii").split())
    body = sys.stdin.buffer.read(int(request["bytes"]))
    path = bytes.fromhex(request["path"])
    try:
        answer, data = DEEDS[request["do"]](files, path, request, body)
    except Outside as error:
        answer, data = {"outside": os.fsencode(str(error)).hex()}, b""
    except Changed:
        answer, data = {"changed": 1}, b""
    except OSError as error:
        answer, data = {"errno": error.errno or 5}, b""
    say(answer, data)
    if request["do"] == "write" and "written" in answer:
        # After the answer: whatever a parser does with a hostile file, the file is written and that was said.
        sys.stdout.buffer.write(syntax_note(path, body).encode("utf-8", "backslashreplace"))


def say(answer: dict[str, Any], data: bytes) -> None:
    words = " ".join(f"{name}={value}" for name, value in {**answer, "bytes": len(data)}.items())
    sys.stdout.buffer.write(words.encode("ascii") + b"\n" + data)
    sys.stdout.buffer.flush()


def read(files: Beneath, path: bytes, request: dict[str, str], body: bytes) -> tuple[dict[str, Any], bytes]:
    del body
    return {}, files.read(path, int(request["most"]))


def names(files: Beneath, path: bytes, request: dict[str, str], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Each name with `d` (a directory) or `f` before it, ended by a zero byte."""
    del body
    found = [each for each in files.names(path) if each[0] != b".git"]
    rows = [(b"d" if is_directory else b"f") + name + b"\0" for name, is_directory in found[: int(request["most"])]]
    return {"count": len(found)}, b"".join(rows)


def write(files: Beneath, path: bytes, request: dict[str, str], body: bytes) -> tuple[dict[str, Any], bytes]:
    files.write(path, body, sys.stdin.buffer.read() if request["known"] == "1" else None)
    return {"written": 1}, b""


DEEDS = {"read": read, "names": names, "write": write}


def syntax_note(path: bytes, data: bytes) -> str:
    """Whether a file that was just written can be read by its language; empty when it can, or when it is not known."""
    kind = path.rpartition(b".")[2]
    if len(data) > NOTE_BYTES:
        return ""
    try:
        if kind in (b"py", b"pyi"):
            import ast
            import warnings

            warnings.simplefilter("ignore")
            ast.parse(data)
        elif kind == b"json":
            import json

            json.loads(data)
        elif kind == b"toml":
            import tomllib

            tomllib.loads(data.decode())
    except ImportError:  # no tomllib before Python 3.11
        return ""
    except SyntaxError as error:
        return f"\nNote: it does not parse now: line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"\nNote: it does not parse now: {str(error)[:300]}"
    return ""
