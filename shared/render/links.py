"""Links to what stands on GitHub, as far as the view knows an address; else the words alone."""

from __future__ import annotations

from shared.domain.view import View
from shared.render.markdown import link


def spec_link(view: View, version: int, words: str = "") -> str:
    """`[v2](…)`."""
    remote = view.issue.slots.get(f"spec-v{version}")
    return link(words or f"v{version}", remote.url if remote else "")


def questions_link(view: View, words: str) -> str:
    remote = view.issue.slots.get(f"questions-{view.issue.interview.round}")
    return link(words, remote.url if remote else "")


def pull_link(view: View) -> str:
    """`[#57](…)`; GitHub makes a link of the bare number, too."""
    pull = view.issue.pull
    return link(f"#{pull.number}", pull.url) if pull else "the pull request"
