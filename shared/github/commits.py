"""Commits through the Git Data API. docs.github.com/rest/git

Author and committer are never sent: GitHub then writes the App as author and signs the commit itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.changeset import Change
from shared.github.client import GitHub

TREE_ENTRIES_MAX = 200  # ours: one request stays small enough to be answered in ten seconds
TREE_BYTES_MAX = 1_500_000
INLINE_MAX_BYTES = 100_000
TRAILER = "Persevere-Effect"


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str

    def bears(self, effect: str) -> bool:
        """Whether its message carries our trailer for that effect."""
        return f"{TRAILER}: {effect}" in self.message.splitlines()


def read_commit(github: GitHub, sha: str) -> Commit:
    return _commit(github.get(github.path("git", "commits", sha)))


def make_commit(github: GitHub, message: str, tree: str, parents: Sequence[str]) -> Commit:
    """A commit that nothing points to yet. The same request twice gives two shas (GitHub writes the time)."""
    wish = {"message": message, "tree": tree, "parents": list(parents)}
    return _commit(github.post(github.path("git", "commits"), wish).body)


def make_blob(github: GitHub, data: bytes) -> str:
    wish = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
    return str(github.post(github.path("git", "blobs"), wish).body["sha"])


def make_tree(github: GitHub, base_tree: str, entries: Sequence[dict[str, Any]]) -> str:
    """A tree that is `base_tree` with these entries laid over it; returns its sha."""
    wish = {"base_tree": base_tree, "tree": list(entries)}
    return str(github.post(github.path("git", "trees"), wish).body["sha"])


def paths_of(github: GitHub, tree: str) -> frozenset[str] | None:
    """Every file path of a tree, or None when it is too large for GitHub to list (100,000 entries, 7 MB)."""
    found = github.get(github.path("git", "trees", tree), {"recursive": "1"})
    if found.get("truncated"):
        return None
    return frozenset(str(each["path"]) for each in found["tree"] if each["type"] != "tree")


def needs_blob(change: Change) -> bool:
    """Whether the data cannot stand inside a tree request: not UTF-8, with NUL, or too large."""
    if change.mode is None:
        return False
    if len(change.data) > INLINE_MAX_BYTES or b"\0" in change.data:
        return True
    try:
        change.data.decode()
    except UnicodeDecodeError:
        return True
    return False


def chunks(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """Changes in pieces that fit one tree request each; deletions first, so that a file may become a folder."""
    ordered = sorted(changes, key=lambda each: (each.mode is not None, each.path))
    piece: list[Change] = []
    size = 0
    for change in ordered:
        cost = len(change.path) + (0 if needs_blob(change) else len(change.data))
        if piece and (len(piece) >= TREE_ENTRIES_MAX or size + cost > TREE_BYTES_MAX):
            yield tuple(piece)
            piece, size = [], 0
        piece.append(change)
        size += cost
    if piece:
        yield tuple(piece)


def entry(change: Change, blob: str | None) -> dict[str, Any]:
    """One entry of a tree request: a deletion has sha null, text stands inline, other data names its blob."""
    path = change.path.decode()
    if change.mode is None:
        return {"path": path, "mode": "100644", "type": "blob", "sha": None}
    content: dict[str, Any] = {"sha": blob} if blob else {"content": change.data.decode()}
    return {"path": path, "mode": change.mode, "type": "blob"} | content


def with_trailer(message: str, effect: str) -> str:
    """The message with our trailer as its last line, joined to the trailers that stand there already."""
    text = message.rstrip()
    last = text.rpartition("\n\n")[2].splitlines()
    joined = "\n\n" in text and all(_is_trailer(line) for line in last)
    return f"{text}{'' if joined else chr(10)}\n{TRAILER}: {effect}\n"


def _is_trailer(line: str) -> bool:
    name, colon, _ = line.partition(": ")
    return bool(colon) and name.replace("-", "").isalnum() and name[:1].isupper()


def _commit(found: Any) -> Commit:
    return Commit(
        sha=found["sha"],
        tree=found["tree"]["sha"],
        parents=tuple(str(parent["sha"]) for parent in found["parents"]),
        message=found["message"],
    )
