"""A changeset: what a runner gives instead of a push. One blob of JSON lines, held against policy before any write.

The first line is the header, each further line one path. Paths are bytes (base64), because git's are.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

MODES = ("100644", "100755", "120000")


class BadChangeset(ValueError):
    """The blob is not a changeset; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path. `mode` None means deleted. For a link (120000) the data is its target."""

    path: bytes
    mode: str | None
    data: bytes = b""

    @property
    def shown(self) -> str:
        """The path for people: UTF-8 where possible, control characters escaped."""
        return shown_path(self.path)


@dataclass(frozen=True, slots=True)
class Changeset:
    """`base` is the commit that it applies to, `tree` the id of the resulting tree as the runner computed it."""

    base: str
    tree: str
    changes: tuple[Change, ...]

    @property
    def size(self) -> int:
        return sum(len(change.data) for change in self.changes)


def shown_path(path: bytes) -> str:
    """A path of bytes as people may read it: unprintable characters as backslash escapes."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def encode(changeset: Changeset) -> bytes:
    """The blob. Sorted by path, so that equal changesets are equal bytes."""
    lines = [json.dumps({"v": 1, "base": changeset.base, "tree": changeset.tree}, sort_keys=True)]
    for change in sorted(changeset.changes, key=lambda each: each.path):
        row: dict[str, str] = {"path": base64.b64encode(change.path).decode()}
        if change.mode is None:
            row["deleted"] = "yes"
        else:
            row |= {
                "mode": change.mode,
                "data": base64.b64encode(change.data).decode(),
                "sha256": hashlib.sha256(change.data).hexdigest(),
            }
        lines.append(json.dumps(row, sort_keys=True))
    return ("\n".join(lines) + "\n").encode()


def decode(blob: bytes) -> Changeset:
    """Raises BadChangeset. Everything is checked, since a runner may be hostile: types, modes, checksums, repeats."""
    try:
        lines = [json.loads(line) for line in blob.decode().splitlines()]
    except (ValueError, RecursionError) as error:
        raise BadChangeset(f"not JSON lines: {error}") from error
    if not lines or not isinstance(lines[0], dict) or lines[0].get("v") != 1:
        raise BadChangeset("line 1: no header of a known version")
    header = lines[0]
    changes = tuple(_decode_lines(lines[1:]))
    paths = [change.path for change in changes]
    if len(set(paths)) != len(paths):
        raise BadChangeset("a path stands twice")
    return Changeset(base=str(header.get("base", "")), tree=str(header.get("tree", "")), changes=changes)


def _decode_lines(lines: Iterable[object]) -> Iterable[Change]:
    for number, row in enumerate(lines, start=2):
        try:
            if not isinstance(row, dict):
                raise BadChangeset("no object")
            path = base64.b64decode(row["path"], validate=True)
            if row.get("deleted"):
                yield Change(path, None)
                continue
            data = base64.b64decode(row["data"], validate=True)
            if row["mode"] not in MODES:
                raise BadChangeset(f"mode {row['mode']!r}")
            if hashlib.sha256(data).hexdigest() != row["sha256"]:
                raise BadChangeset("checksum differs")
            yield Change(path, row["mode"], data)
        except (KeyError, TypeError, ValueError) as error:
            raise BadChangeset(f"line {number}: {error}") from error
