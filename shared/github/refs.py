"""Branches of the repository: read, made, moved."""

from __future__ import annotations

from shared.github.answers import Conflicting, NotFound, Unprocessable
from shared.github.client import GitHub
from shared.github.graphql import update_ref


def read_ref(github: GitHub, branch: str) -> str | None:
    """The sha of a branch, or None when there is none (in an empty repository GitHub answers 409)."""
    try:
        found = github.get(github.path("git", "ref", "heads", branch))
    except (NotFound, Conflicting):
        return None
    return str(found["object"]["sha"])


def make_ref(github: GitHub, branch: str, sha: str) -> bool:
    """Whether it was made; False when a branch of that name exists (422), wherever it stands."""
    try:
        github.post(github.path("git", "refs"), {"ref": f"refs/heads/{branch}", "sha": sha})
    except Unprocessable as refusal:
        if refusal.says("already exists"):
            return False
        raise
    return True


def move_ref(github: GitHub, branch: str, before: str, after: str) -> None:
    """From exactly `before`, also where that is no fast-forward. Raises a Refusal when the ref stands elsewhere."""
    node = str(github.get(github.path())["node_id"])
    update_ref(github, node, branch, before, after)
