"""Which issue a person means: `42`, `#42` or `owner/name#42`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.trial.records import Table
from shared.domain.issue import IssueState
from shared.errors import Final, NotConfigured


@dataclass(frozen=True)
class Wanted:
    """What somebody typed, read. `repository` "": any."""

    words: str
    repository: str
    number: int


def place_of(issue: IssueState) -> str:
    return f"{issue.repository.full_name}#{issue.number}"


def read_issue(words: str) -> Wanted:
    """Raises NotConfigured for words that name no issue."""
    match = re.fullmatch(r"(?:(?P<repo>[\w.-]+/[\w.-]+))?#?(?P<number>\d+)", words.strip())
    if match is None:
        raise NotConfigured(f"{words!r} names no issue", "write 42, or octo-org/octo-repo#42")
    return Wanted(words, (match["repo"] or "").lower(), int(match["number"]))


def find_issue(table: Table, wanted: Wanted) -> IssueState:
    """Raises Final where there is none, NotConfigured where several are meant."""
    known = table.issues()
    found = [
        each
        for each in known
        if wanted.repository in ("", each.repository.full_name.lower())
        and wanted.number in (each.number, each.pull.number if each.pull else 0)
    ]
    if len(found) > 1:
        raise NotConfigured(
            f"#{wanted.number} is in several repositories",
            "write " + " or ".join(place_of(each) for each in found[:4]),
        )
    if not found:
        here = ", ".join(place_of(each) for each in known[:6]) or "none yet"
        raise Final(f"nothing is known of {wanted.words} here", f"known: {here}")
    return found[0]
