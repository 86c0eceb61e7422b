"""From a webhook's payload to an inbound's body: ids, action, sender and the person's text, never the payload.

Standard library only: the webhook door uses it. Unknown fields are passed over, missing ones make the event ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain import keys
from shared.domain.grammar import CommandLine, NearMiss, parse
from shared.domain.record import Key


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not stored. `reason` is the answer that GitHub's delivery log shows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One inbound to store under `pk`. `identities` name the deed, so that the same deed is known under another GUID:
    the comment with its text, and for a new comment or review that alone, since who polls may find its text changed;
    closing and reopening by their moment.
    """

    pk: str
    kind: str
    body: dict[str, Any]
    identities: tuple[Key, ...] = ()


ISSUE_ACTIONS = frozenset({"edited", "closed", "reopened", "locked", "unlocked", "deleted", "labeled", "transferred"})
PULL_ACTIONS = frozenset({"closed", "reopened", "synchronize"})


def enclose(
    event: str, payload: Mapping[str, Any], *, app_id: int, command: str, bots: frozenset[str] = frozenset()
) -> Envelope | Ignored:
    """What an event means to us. `bots` are logins of bots whose comments count, by the operator's choice."""
    action = str(payload.get("action") or "")
    if event in ("installation", "installation_repositories"):
        return _installation(event, action, payload)
    repository, sender = payload.get("repository"), payload.get("sender")
    if not isinstance(repository, Mapping) or not isinstance(repository.get("id"), int):
        return Ignored("no repository in it")
    if not isinstance(sender, Mapping) or not isinstance(sender.get("id"), int):
        return Ignored("no sender in it")
    match event, action:
        case "issue_comment", "created":
            return _comment_created(payload, sender, app_id, command, bots)
        case "issue_comment", "edited":
            return _comment_edited(payload, sender, app_id)
        case "issues", _ if action in ISSUE_ACTIONS:
            return _issue(action, payload, sender, app_id)
        case "pull_request", _ if action in PULL_ACTIONS:
            return _pull(action, payload, sender, app_id)
        case ("pull_request_review", "submitted") | ("pull_request_review_comment", "created"):
            return _reviewed(event, payload, sender, command)
        case "check_run", "rerequested" | "requested_action":
            return Ignored("buttons of checks come with a later version")
        case _:
            return Ignored(f"{event}.{action} is not of interest" if action else f"{event} is not of interest")


def _person(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": int(raw["id"]), "login": str(raw.get("login", ""))}


def _installation_id(payload: Mapping[str, Any]) -> int:
    found = (payload.get("installation") or {}).get("id")
    return found if isinstance(found, int) else 0


def _common(kind: str, action: str, payload: Mapping[str, Any], number: int) -> dict[str, Any]:
    repository = payload["repository"]
    return {
        "kind": kind,
        "action": action,
        "sender": _person(payload["sender"]),
        "repository": {
            "id": int(repository["id"]),
            "full_name": str(repository.get("full_name", "")),
            "private": bool(repository.get("private", False)),
            "default_branch": str(repository.get("default_branch") or "main"),
        },
        "installation_id": _installation_id(payload),
        "number": number,
        "data": {},
    }


def _comment(payload: Mapping[str, Any]) -> dict[str, Any]:
    comment = payload["comment"]
    user = comment.get("user")
    changes = (payload.get("changes") or {}).get("body") or {}
    return {
        "id": int(comment["id"]),
        "node_id": str(comment.get("node_id", "")),
        "url": str(comment.get("html_url", "")),
        "body": str(comment.get("body") or ""),
        "before": changes.get("from"),
        "author": _person(user) if isinstance(user, Mapping) and isinstance(user.get("id"), int) else None,
        "created_at": str(comment.get("created_at", "")),
        "updated_at": str(comment.get("updated_at", "")),
        "on_pull": bool((payload.get("issue") or {}).get("pull_request")),
    }


def _place(payload: Mapping[str, Any]) -> tuple[str, int] | None:
    issue = payload.get("issue")
    if not isinstance(issue, Mapping) or not isinstance(issue.get("number"), int):
        return None
    return keys.issue_pk(int(payload["repository"]["id"]), issue["number"]), issue["number"]


def _is_ours(comment: Mapping[str, Any], app_id: int) -> bool:
    app = comment.get("performed_via_github_app") or {}
    return bool(app_id) and app.get("id") == app_id


def _is_bot(sender: Mapping[str, Any]) -> bool:
    return sender.get("type") != "User" or str(sender.get("login", "")).endswith("[bot]")


def _comment_created(
    payload: Mapping[str, Any], sender: Mapping[str, Any], app_id: int, command: str, bots: frozenset[str]
) -> Envelope | Ignored:
    place, raw = _place(payload), payload.get("comment")
    if place is None or not isinstance(raw, Mapping) or not isinstance(raw.get("id"), int):
        return Ignored("no comment in it")
    if _is_ours(raw, app_id):
        return Ignored("our own comment")
    if _is_bot(sender) and sender.get("login") not in bots:
        return Ignored("a bot's comment")
    user = raw.get("user") or {}
    if user.get("id") != sender.get("id"):
        return Ignored("the sender is not the comment's author")
    if not _installation_id(payload):
        return Ignored("no installation in it")
    pk, number = place
    comment = _comment(payload)
    body = _common("answer", "created", payload, number) | {"comment": comment}
    match parse(comment["body"], command):
        case parsed if isinstance(editor := payload.get("edited_by"), Mapping):
            # Only who polls can say so: the text is no longer its author's, so it is not run in their name.
            if not isinstance(parsed, CommandLine):
                return Ignored("edited by somebody else before it was read")
            body["kind"] = "near_miss"
            quote = f"{command} {parsed.verb} {parsed.arguments}".strip()
            body["data"] = {"why": "edited", "quote": quote, "editor": str(editor.get("login", ""))}
        case CommandLine(verb=verb, arguments=arguments, rest=rest):
            body["kind"] = "command"
            body["data"] = {"verb": verb, "arguments": arguments, "rest": rest}
        case NearMiss(why=why, quote=quote):
            body["kind"] = "near_miss"
            body["data"] = {"why": why, "quote": quote}
        case _ if not comment["body"].strip():
            return Ignored("an empty comment")
    body["data"]["issue_state"] = str((payload.get("issue") or {}).get("state", "open"))
    identities = (
        keys.command_identity("ic", comment["id"], comment["body"]),
        keys.comment_taken("ic", comment["id"]),
    )
    return Envelope(pk, body["kind"], body, identities)


def _comment_edited(payload: Mapping[str, Any], sender: Mapping[str, Any], app_id: int) -> Envelope | Ignored:
    """Only the box of a comment of ours: commands never come from edits."""
    place, raw = _place(payload), payload.get("comment")
    if place is None or not isinstance(raw, Mapping) or not isinstance(raw.get("id"), int):
        return Ignored("no comment in it")
    if not _is_ours(raw, app_id):
        return Ignored("an edit of somebody's comment starts nothing")
    if _is_bot(sender):
        return Ignored("our own edit" if _is_ours(raw, app_id) else "a bot's edit")
    comment = _comment(payload)
    if not isinstance(comment["before"], str):
        return Ignored("an edit that changed no text")
    pk, number = place
    body = _common("box", "edited", payload, number) | {"comment": comment}
    identity = keys.command_identity("ic", comment["id"], comment["body"], comment["updated_at"])
    return Envelope(pk, "box", body, (identity,))


def _reviewed(event: str, payload: Mapping[str, Any], sender: Mapping[str, Any], command: str) -> Envelope | Ignored:
    """A command in a review is not run (nothing there tells it from words about the code), but its writer hears so."""
    short, field = ("rv", "review") if event == "pull_request_review" else ("rc", "comment")
    raw, pull = payload.get(field), payload.get("pull_request")
    number = pull.get("number") if isinstance(pull, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), int) or not isinstance(number, int):
        return Ignored("no review in it")
    if _is_bot(sender) or not _installation_id(payload):
        return Ignored("a bot's review, or no installation in it")
    comment = _comment({"comment": raw}) | {"on_pull": True, "in_review": True}
    match parse(comment["body"], command):
        case CommandLine(verb=verb, arguments=arguments):
            quote = f"{command} {verb} {arguments}".strip()
        case NearMiss(quote=quoted):
            quote = quoted
        case _:
            return Ignored("a review without a command")
    body = _common("near_miss", str(payload.get("action")), payload, number) | {"comment": comment}
    body["data"] = {"why": "review", "quote": quote}
    identities = (
        keys.command_identity(short, comment["id"], comment["body"]),
        keys.comment_taken(short, comment["id"]),
    )
    return Envelope(keys.issue_pk(int(payload["repository"]["id"]), number), "near_miss", body, identities)


def _issue(action: str, payload: Mapping[str, Any], sender: Mapping[str, Any], app_id: int) -> Envelope | Ignored:
    place = _place(payload)
    if place is None:
        return Ignored("no issue in it")
    pk, number = place
    body = _common("issue", action, payload, number)
    issue = payload["issue"]
    body["data"] = {"state": str(issue.get("state", "")), "locked": bool(issue.get("locked", False))}
    return Envelope(pk, "issue", body, _turned(pk, action, issue))


def _pull(action: str, payload: Mapping[str, Any], sender: Mapping[str, Any], app_id: int) -> Envelope | Ignored:
    pull = payload.get("pull_request")
    if not isinstance(pull, Mapping) or not isinstance(pull.get("number"), int):
        return Ignored("no pull request in it")
    head = pull.get("head") or {}
    if action == "synchronize" and _is_bot(sender):
        return Ignored("a bot's push")
    number = pull["number"]
    body = _common("pull", action, payload, number)
    body["data"] = {
        "number": number,
        "merged": bool(pull.get("merged", False)),
        "head": str(head.get("sha", "")),
        "ref": str(head.get("ref", "")),
    }
    pk = keys.issue_pk(int(payload["repository"]["id"]), number)
    return Envelope(pk, "pull", body, _turned(pk, action, pull))


def _turned(pk: str, action: str, thing: Mapping[str, Any]) -> tuple[Key, ...]:
    """Closing and reopening by their moment: a second hearing of them, minutes later, would undo what came between."""
    moment = {"closed": "closed_at", "reopened": "updated_at"}.get(action)
    at = thing.get(moment) if moment else None
    return (keys.turned(pk, action, at),) if isinstance(at, str) and at else ()


def _installation(event: str, action: str, payload: Mapping[str, Any]) -> Ignored:
    return Ignored(f"{event}.{action} is noted by GitHub; nothing of ours depends on it")
