"""The files that differ between two commits, as GitHub lists them."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from local.github.git import git

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed", "R": "renamed", "C": "copied"}


@lru_cache(maxsize=500)
def changed_files(path: Path, base: str | None, head: str) -> list[dict[str, Any]]:
    """Both ends as shas. One dict a file (kept and shared: not to be changed): filename, previous_filename, status, sha, additions, deletions, changes, patch (not for binary)."""
    pair = [base or EMPTY_TREE, head]
    common = ["diff", "--no-color", "--no-ext-diff", "-M", "--full-index"]
    raw = git(path, *common, "--raw", "-z", "--no-abbrev", *pair).decode("utf-8", "replace").split("\0")
    patches = _patches(git(path, *common, "-p", *pair).decode("utf-8", "replace"))
    files: list[dict[str, Any]] = []
    at = 0
    while at < len(raw) and raw[at]:
        _, _, old_sha, new_sha, status = raw[at].split()
        letter = status[0]
        previous = raw[at + 1] if letter in "RC" else None
        name = raw[at + 2] if previous else raw[at + 1]
        at += 3 if previous else 2
        patch = patches[len(files)] if len(files) < len(patches) else ""
        added = sum(1 for line in patch.splitlines() if line.startswith("+"))
        gone = sum(1 for line in patch.splitlines() if line.startswith("-"))
        one: dict[str, Any] = {
            "sha": old_sha if letter == "D" else new_sha,
            "filename": name,
            "status": _STATUS.get(letter, "changed"),
            "additions": added,
            "deletions": gone,
            "changes": added + gone,
        }
        if previous:
            one["previous_filename"] = previous
        if patch:
            one["patch"] = patch
        files.append(one)
    return files


def _patches(text: str) -> list[str]:
    """The hunks of each file, in order; empty for binary files and pure renames."""
    found: list[list[str]] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith("diff --git "):
            found.append([])
            inside = False
            continue
        if line.startswith("@@"):
            inside = True
        if inside and found:
            found[-1].append(line)
    return ["\n".join(lines).rstrip("\n") for lines in found]


def file_shape(base_url: str, full_name: str, commit: str, file: dict[str, Any]) -> dict[str, Any]:
    """A changed file with its addresses, for commits, compare and pull requests."""
    name = file["filename"]
    return {
        **file,
        "blob_url": f"{base_url}/{full_name}/blob/{commit}/{name}",
        "raw_url": f"{base_url}/{full_name}/raw/{commit}/{name}",
        "contents_url": f"{base_url}/repos/{full_name}/contents/{name}?ref={commit}",
    }
