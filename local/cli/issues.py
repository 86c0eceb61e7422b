"""Which issue a person means: `42`, `#42` or `owner/name#42`."""

from __future__ import annotations

import re

from local.trial.records import Table
from shared.domain.issue import IssueState
from shared.errors import Final


def place_of(issue: IssueState) -> str:
    return f"{issue.repository.full_name}#{issue.number}"


def find_issue(table: Table, words: str) -> IssueState:
    """Raises Final where none or several are meant."""
    match = re.fullmatch(r"(?:(?P<repo>[\w.-]+/[\w.-]+))?#?(?P<number>\d+)", words.strip())
    if match is None:
        raise Final(f"{words!r} names no issue", "write 42, or octo-org/octo-repo#42")
    repo = (match["repo"] or "").lower()
    known = table.issues()
    found = [
        each
        for each in known
        if repo in ("", each.repository.full_name.lower())
        and int(match["number"]) in (each.number, each.pull.number if each.pull else 0)
    ]
    if len(found) > 1:
        raise Final(
            f"#{match['number']} is in several repositories",
            "write " + " or ".join(place_of(each) for each in found[:4]),
        )
    if not found:
        here = ", ".join(place_of(each) for each in known[:6]) or "none yet"
        raise Final(f"nothing is known of {words} here", f"known: {here}")
    return found[0]
