"""The GitHub App that we ask for, as a manifest. Pure.

docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.errors import NotConfigured
from shared.github.purposes import PERMISSIONS

NAME_MAX = 34
HOMEPAGE = "https://github.com/apps"
NO_ADDRESS = "https://example.com/no-public-address"
"""GitHub wants an address for the hook even where it is switched off."""
EVENTS = (
    "issues",
    "issue_comment",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "check_run",
    "check_suite",
)
WEBHOOK_PATH = "/webhook"
_ORDER = {"read": 0, "write": 1, "admin": 2}


def permissions() -> dict[str, str]:
    """What all our purposes need together: no `workflows`, no administration, nothing of members or secrets."""
    found: dict[str, str] = {}
    for needs in PERMISSIONS.values():
        for name, level in needs.items():
            if _ORDER[level] > _ORDER.get(found.get(name, ""), -1):
                found[name] = level
    return found


def manifest(name: str, redirect_url: str, hook_url: str | None) -> Mapping[str, Any]:
    """`hook_url` is the webhook's whole address; without one the hook is switched off, and we ask instead."""
    return {
        "name": name,
        "url": HOMEPAGE,
        "description": "Turns an issue into proved, reviewable software: type /persevere in an issue.",
        "public": False,
        "redirect_url": redirect_url,
        "hook_attributes": {"url": hook_url or NO_ADDRESS, "active": hook_url is not None},
        "default_permissions": permissions(),
        "default_events": list(EVENTS),
    }


def checked_name(name: str) -> str:
    """Raises NotConfigured for what GitHub would refuse."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", name) or len(name) > NAME_MAX:
        raise NotConfigured(
            f"{name!r} cannot be an App's name", f"letters, digits, blanks and -._, at most {NAME_MAX} of them"
        )
    return name


def creation_url(github_url: str, organization: str | None, state: str) -> str:
    """Where a manifest is sent to, for the person who is signed in or for an organisation."""
    at = f"/organizations/{organization}/settings/apps/new" if organization else "/settings/apps/new"
    return f"{github_url}{at}?state={state}"


def settings_url(github_url: str, owner: str, owner_type: str, slug: str) -> str:
    """The page on which the App's owner changes it."""
    at = f"/organizations/{owner}/settings/apps" if owner_type == "Organization" else "/settings/apps"
    return f"{github_url}{at}/{slug}"
