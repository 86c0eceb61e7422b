"""Whom GitHub would notify, and of what. New things tell people; edits never do."""

import re
from collections.abc import Iterable

from local.github import access
from local.github.issue_state import Issue
from local.github.state import Account, World

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|<!--.*?(?:-->|\Z)", re.DOTALL)
_MENTION = re.compile(r"(?<![\w/@.`-])@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))(?![\w/])")


def mentions(text: str | None) -> list[str]:
    """Logins named with an @ outside code and HTML comments, in order, each once."""
    return list(dict.fromkeys(name for name in _MENTION.findall(_CODE.sub(" ", text or ""))))


def tell(
    world: World,
    issue: Issue,
    actor: Account,
    *,
    of: str,
    text: str | None = None,
    also: Iterable[tuple[str, str]] = (),
    source: int | None = None,
) -> list[str]:
    """Write the notifications of one new thing; the logins told.

    `of` says what is new (issue, comment, pull_request, review, review_request, state). People hear with their own
    reason: mention, then `also` (login, reason), then what subscribed them, then watching the repository.
    """
    reasons: dict[str, str] = {}
    for name in mentions(text):
        reasons[name.lower()] = "mention"
    for login, reason in also:
        reasons.setdefault(login.lower(), reason)
    for login, reason in reasons.items():
        if reason in ("mention", "assign", "review_requested"):
            issue.subscribers.setdefault(login, reason)
    for login, reason in issue.subscribers.items():
        reasons.setdefault(login, reason)
    for login in issue.repository.watchers:
        reasons.setdefault(login.lower(), "subscribed")
    told = []
    for login, reason in reasons.items():
        account = world.account(login)
        if account is None or account is actor or account.type != "User":
            continue
        if not access.holds_role(issue.repository, account, "read"):
            continue
        told.append(account.login)
        world.notifications.append({
            "n": len(world.notifications) + 1,
            "at": world.now(),
            "login": account.login,
            "reason": reason,
            "of": of,
            "actor": actor.login,
            "repository": issue.repository.full_name,
            "number": issue.number,
            "pull_request": issue.pull is not None,
            "title": issue.title,
            "source": source,
            "text": (text or "")[:200],
        })  # fmt: skip
    if actor.type == "User":
        issue.subscribers.setdefault(actor.login.lower(), "comment" if of == "comment" else "author")
    return told
