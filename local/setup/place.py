"""Where the App's key may lie: outside of every repository, so that no commit can take it along."""

from __future__ import annotations

from pathlib import Path

from shared.errors import NotConfigured


def work_tree_of(path: Path) -> Path | None:
    """The git work tree that `path` lies in, if any; `path` need not exist. A worktree's `.git` is a file."""
    whole = path.resolve()
    return next((each for each in (whole, *whole.parents) if (each / ".git").exists()), None)


def check_outside(home: Path) -> None:
    """Raises NotConfigured where the home is inside a repository."""
    tree = work_tree_of(home)
    if tree is not None:
        raise NotConfigured(
            f"{home} is inside the git repository {tree}; a key there is one `git add` from being published",
            "set PERSEVERE_HOME to a place outside of it (unset: ~/.local/share/persevere)",
        )
