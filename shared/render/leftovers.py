"""The few words for what is left behind: check runs of a head that was replaced, and the empty commit of a branch."""

from __future__ import annotations

from shared.domain.view import View

SUPERSEDED = "superseded"


def render_superseded(head: str) -> tuple[str, str]:
    """(title, summary) of a check run whose commit is not on the branch any more."""
    return f"superseded by {head[:7]}", f"This commit was replaced by `{head[:7]}`, which has its own checks."


def render_branch_commit(view: View) -> str:
    """The message of the empty commit that a branch begins with."""
    number = view.issue.number
    return f"Begin work on #{number}\n\nEmpty on purpose: checks need a commit to stand on. The change replaces it."
