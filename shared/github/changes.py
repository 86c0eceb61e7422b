"""What changed in a repository since a moment, page by page, with conditional requests: how one hears without webhooks.

GitHub's lists lag behind by seconds, so a caller looks again from a little before the newest that it has seen.
docs.github.com/rest/issues/comments, /rest/issues/events, /rest/pulls/pulls, /rest/pulls/comments
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from shared.github.client import GitHub
from shared.github.wire import Answer
from shared.limits import PAGE_MAX

Kind = Literal["comments", "review_comments", "events", "pulls"]
PATHS: Mapping[Kind, tuple[str, ...]] = {
    "comments": ("issues", "comments"),
    "review_comments": ("pulls", "comments"),
    "events": ("issues", "events"),
    "pulls": ("pulls",),
}
PAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class Changed:
    """`items` as GitHub gave them, `newest` the newest moment among them (UTC ms; 0 without any).

    `etag` is good for the next look from the same moment, empty where a page alone could hide something. `left` is
    how many requests the hour still has, where GitHub said so.
    """

    items: tuple[Mapping[str, Any], ...] = ()
    newest: int = 0
    etag: str = ""
    left: int | None = None


def changed(github: GitHub, kind: Kind, since: int, etag: str = "") -> Changed:
    """Everything of that kind that was changed at `since` (UTC ms) or later. Raises Refusal, Retryable."""
    match kind:
        case "comments" | "review_comments":
            return _ascending(github, kind, since, etag)
        case "events":
            return _descending(github, kind, {}, "created_at", since, etag)
        case "pulls":
            query = {"state": "all", "sort": "updated", "direction": "desc"}
            return _descending(github, kind, query, "updated_at", since, etag)


def _ascending(github: GitHub, kind: Kind, since: int, etag: str) -> Changed:
    """Oldest change first. What is changed while we read moves to the end and all behind it one place up, so the next
    page is asked for by the last moment and not by its number.
    """
    query = {"sort": "updated", "direction": "asc", "per_page": PAGE_MAX, "since": iso(since)}
    path = github.path(*PATHS[kind])
    answer = first = github.look(path, query, etag=etag)
    if first.unchanged:
        return Changed(etag=etag, left=first.left)
    found: dict[int, Mapping[str, Any]] = {}
    number = 1
    for _ in range(PAGES_MAX):
        found |= {row["id"]: row for row in answer.body}
        if len(answer.body) < PAGE_MAX:
            break
        last = str(answer.body[-1]["updated_at"])
        number = number + 1 if last == query["since"] else 1
        query = query | {"since": last}
        answer = github.look(path, query | ({"page": number} if number > 1 else {}))
    # A page that is full does not change when something is put behind it.
    return _result(tuple(found.values()), "updated_at", first, keep=len(first.body) < PAGE_MAX)


def _descending(github: GitHub, kind: Kind, query: Mapping[str, Any], moment: str, since: int, etag: str) -> Changed:
    """Newest first: whatever comes while we read is on the first page of the next look."""
    path = github.path(*PATHS[kind])
    answer = first = github.look(path, {"per_page": PAGE_MAX, **query}, etag=etag)
    if first.unchanged:
        return Changed(etag=etag, left=first.left)
    found: dict[int, Mapping[str, Any]] = {}
    for _ in range(PAGES_MAX):
        fresh = [row for row in answer.body if milliseconds(str(row[moment])) >= since]
        found |= {row["id"]: row for row in fresh}
        if answer.next is None or len(fresh) < len(answer.body):
            break
        answer = github.look(path, {"per_page": PAGE_MAX, **query, **answer.next})
    return _result(tuple(found.values()), moment, first, keep=True)


def _result(items: tuple[Mapping[str, Any], ...], moment: str, first: Answer, *, keep: bool) -> Changed:
    newest = max((milliseconds(str(row[moment])) for row in items), default=0)
    return Changed(items, newest, first.etag if keep else "", first.left)


def iso(ms: int) -> str:
    """UTC milliseconds as GitHub writes a moment."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(text: str) -> int:
    """A moment as GitHub writes it, in UTC milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
