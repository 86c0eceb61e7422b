"""From what a list of GitHub says to what its webhook would have said. Pure; the door takes it from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.record import Put
from shared.github.installations import Place

Json = Mapping[str, Any]
NOBODY: Json = {"id": 0, "login": "", "type": "User"}

# What an issue event is called as a webhook's action. A merge is a `closed` whose pull request is merged.
ACTIONS: Mapping[str, str] = {
    "closed": "closed",
    "reopened": "reopened",
    "locked": "locked",
    "unlocked": "unlocked",
    "labeled": "labeled",
    "renamed": "edited",
    "transferred": "transferred",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that happened: `at` (UTC ms), the event's name, its payload, and an id that is the same each time.
    `also` is written with it, all or nothing.
    """

    at: int
    event: str
    guid: str
    payload: Json
    also: tuple[Put, ...] = ()


def envelope_of(place: Place, action: str, sender: Json, **more: Any) -> dict[str, Any]:
    """The parts that every payload has."""
    repository = place.repository
    return {
        "action": action,
        "repository": {
            "id": repository.id,
            "full_name": repository.full_name,
            "private": repository.private,
            "default_branch": repository.default_branch,
        },
        "installation": {"id": place.installation.id},
        "sender": sender,
        **more,
    }


def comment_made(place: Place, comment: Json, issue: Json, edited_by: Json | None) -> dict[str, Any]:
    """A new comment. `edited_by`: somebody who is not its author and wrote in it before we read it."""
    more = {"edited_by": edited_by} if edited_by else {}
    return envelope_of(place, "created", comment.get("user") or NOBODY, issue=issue, comment=comment, **more)


def comment_edited(place: Place, comment: Json, issue: Json, before: str, editor: Json) -> dict[str, Any]:
    return envelope_of(place, "edited", editor, issue=issue, comment=comment, changes={"body": {"from": before}})


def issue_changed(place: Place, event: Json) -> dict[str, Any] | None:
    """What an entry of the list of events says; None for what no webhook of interest says. The state is that of the
    entry: the issue in it is as it is by now.
    """
    action = ACTIONS.get(str(event.get("event")))
    if action is None:
        return None
    issue = _at_that_moment(event.get("issue") or {}, str(event.get("created_at")))
    if action in ("closed", "reopened"):
        issue["state"] = "closed" if action == "closed" else "open"
    if action in ("locked", "unlocked"):
        issue["locked"] = action == "locked"
    return envelope_of(place, action, event.get("actor") or NOBODY, issue=issue)


def _at_that_moment(thing: Json, at: str) -> dict[str, Any]:
    """As a webhook shows it: lists show an issue as it is by now, which may have been closed again since."""
    return {**thing, "closed_at": at, "updated_at": at}


def pull_turned(place: Place, event: Json, pull: Json, *, merged: bool) -> dict[str, Any]:
    """`closed` or `reopened` of a pull request, from the entry of the list of events."""
    name, sender = str(event.get("event")), event.get("actor") or NOBODY
    return pull_changed(place, name, _at_that_moment(pull, str(event.get("created_at"))), sender, merged=merged)


def pull_changed(place: Place, action: str, pull: Json, sender: Json, *, merged: bool) -> dict[str, Any]:
    """`closed`, `reopened` or `synchronize` of a pull request, as it is read by now."""
    return envelope_of(place, action, sender, number=pull["number"], pull_request={**pull, "merged": merged})


def reviewed(place: Place, pull: Json, review: Json) -> dict[str, Any]:
    """A review that was handed in. Webhooks spell its state in small letters."""
    small = {**review, "state": str(review.get("state", "")).lower()}
    return envelope_of(place, "submitted", review.get("user") or NOBODY, pull_request=pull, review=small)


def review_comment_made(place: Place, comment: Json) -> dict[str, Any]:
    number = number_of(str(comment.get("pull_request_url", "")))
    return envelope_of(
        place, "created", comment.get("user") or NOBODY, comment=comment, pull_request={"number": number}
    )


def number_of(url: str) -> int:
    """The number that an address of an issue or pull request ends in."""
    tail = url.rstrip("/").rpartition("/")[2]
    return int(tail) if tail.isdigit() else 0
