"""What each purpose of ours may do on GitHub. A token is minted for one purpose and one repository.

`workflows` is in none of them: a change to `.github/workflows` cannot be pushed with any token of ours.
Permission names: docs.github.com/rest/authentication/permissions-required-for-github-apps
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Purpose = Literal["read", "clone", "comment", "check", "publish"]

PERMISSIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "read": {
        "metadata": "read",
        "contents": "read",
        "issues": "read",
        "pull_requests": "read",
    },
    "clone": {"metadata": "read", "contents": "read"},
    "comment": {"metadata": "read", "issues": "write", "pull_requests": "write"},
    "check": {"metadata": "read", "checks": "write"},
    "publish": {"metadata": "read", "contents": "write", "pull_requests": "write"},
}


def permissions_of(purpose: str) -> dict[str, str]:
    """Raises KeyError for a purpose that is not in the table."""
    return dict(PERMISSIONS[purpose])


READING: Final = frozenset({"read", "clone"})
WRITING: Final = frozenset({"comment", "check", "publish"})
"""Two functions mint on AWS, so that most of the control plane cannot ask for a token that writes."""

GIVEN_AWAY: Final = frozenset({"clone"})
"""Whoever gets it revokes it, so nobody else may be given the same one."""
