"""Facts for the conductor: GET only, short time-outs, and what cannot be had is `Unknown` with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from shared.domain.facts import (
    CommentFact,
    CommentNow,
    DefaultHead,
    Fact,
    HeadFact,
    IssueFact,
    IssueNow,
    Missing,
    Need,
    PullFact,
    PullNow,
    RefFact,
    RefNow,
    RoleFact,
    RoleOf,
    SettingsAt,
    SettingsBroken,
    SettingsFact,
    Unknown,
)
from shared.domain.people import Person, Role, role_from
from shared.errors import PersevereError, Retryable
from shared.github import refs, settings_file
from shared.github.answers import Conflicting, Gone, NotFound, RateLimited, Refusal
from shared.github.client import GitHub
from shared.ports import Clock, TokenRefused

BUDGET_S = 20.0  # for all facts of one decision


def fetch(
    github: GitHub, number: int, needs: Iterable[Need], clock: Clock, budget_s: float = BUDGET_S
) -> dict[Need, Fact]:
    """A fact for every need. `number` is the issue's, for `IssueNow(0)`. Never raises for what GitHub does.

    After `budget_s` seconds what is left is Unknown, so that one slow answer does not cost the whole invocation.
    """
    facts: dict[Need, Fact] = {}
    until = clock.now() + round(budget_s * 1000)
    for need in needs:
        if need not in facts:
            facts[need] = (
                read(github, number, need)
                if clock.now() <= until
                else Unknown("GitHub answers too slowly at the moment")
            )
    return facts


def read(github: GitHub, number: int, need: Need) -> Fact:
    """One fact; trouble of any kind is Unknown."""
    try:
        return _read(github, number, need)
    except RateLimited as limit:
        return Unknown(f"GitHub asks to wait {limit.after_s:.0f} s")
    except TokenRefused as refused:
        return Unknown(f"{refused}. {refused.advice}".strip())
    except (Refusal, Retryable) as trouble:
        return Unknown(str(trouble))
    except PersevereError as trouble:
        return Unknown(f"{type(trouble).__name__}: {trouble}")
    except (KeyError, TypeError, ValueError) as odd:
        return Unknown(f"GitHub's answer was not understood ({type(odd).__name__})")


def _read(github: GitHub, number: int, need: Need) -> Fact:
    match need:
        case RoleOf():
            return role(github, need.user_id, need.login)
        case IssueNow():
            return issue(github, need.number or number)
        case PullNow():
            return pull(github, need.number)
        case RefNow():
            return RefFact(refs.read_ref(github, need.name))
        case DefaultHead():
            return default_head(github)
        case SettingsAt():
            return settings(github, need.sha)
        case CommentNow():
            return comment(github, need.id, review=need.review)
        case _:
            assert_never(need)


def role(github: GitHub, user_id: int, login: str) -> RoleFact:
    """The collaborator-permission endpoint. A login that names another account by now has no role here."""
    found = github.find(github.path("collaborators", login, "permission"))
    if found is None:
        return RoleFact(Role.NONE, "", "no_collaborator")
    user = found.get("user") or {}
    if user.get("id") != user_id:
        return RoleFact(Role.NONE, "", "other_account")
    name = str(found.get("role_name") or "")
    return RoleFact(role_from(name, str(found.get("permission") or "")), name)


def issue(github: GitHub, number: int) -> IssueFact | Missing:
    try:
        found = github.get(github.path("issues", number), fresh=True)
    except (NotFound, Gone) as refusal:
        return Missing(gone=isinstance(refusal, Gone))
    return IssueFact(
        number=found["number"],
        title=found["title"],
        body=found["body"] or "",
        author=_person(found["user"]) or Person(id=0, login="ghost"),
        author_type=_type(found["user"]),
        state="closed" if found["state"] == "closed" else "open",
        locked=bool(found.get("locked")),
        html_url=found["html_url"],
        updated_at=found["updated_at"],
        is_pull="pull_request" in found,
        node_id=found.get("node_id", ""),
        labels=tuple(str(label["name"]) for label in found.get("labels", ())),
    )


def pull(github: GitHub, number: int) -> PullFact | Missing:
    found = github.find(github.path("pulls", number), fresh=True)
    if found is None:
        return Missing()
    return PullFact(
        number=found["number"],
        state="closed" if found["state"] == "closed" else "open",
        merged=bool(found.get("merged")),
        draft=bool(found.get("draft")),
        head_sha=found["head"]["sha"],
        head_ref=found["head"]["ref"],
        base_ref=found["base"]["ref"],
        node_id=found["node_id"],
        author=_person(found["user"]),
        app_made=_type(found["user"]) == "Bot",
        html_url=found["html_url"],
        title=found["title"],
    )


def default_head(github: GitHub) -> HeadFact | Missing:
    """Name and newest commit of the default branch; an empty repository has a name only (404 or 409 for its branch)."""
    repository = github.find(github.path())
    if repository is None:
        return Missing()
    branch = str(repository["default_branch"])
    try:
        head = github.get(github.path("branches", branch))["commit"]
    except (NotFound, Conflicting):
        return HeadFact(branch, None)
    return HeadFact(branch, head["sha"], head["commit"]["tree"]["sha"])


def settings(github: GitHub, sha: str) -> SettingsFact | SettingsBroken:
    return settings_file.settings_at(github, sha)


def comment(github: GitHub, id: int, *, review: bool = False) -> CommentFact | Missing:
    """A comment's text as it is now."""
    try:
        found = github.get(github.path("pulls" if review else "issues", "comments", id), fresh=True)
    except (NotFound, Gone) as refusal:
        return Missing(gone=isinstance(refusal, Gone))
    app = found.get("performed_via_github_app") or {}
    place = str(found.get("pull_request_url") or found.get("issue_url") or "")
    return CommentFact(
        id=found["id"],
        body=found["body"] or "",
        author=_person(found["user"]),
        author_type=_type(found["user"]),
        app_id=app.get("id"),
        url=found["html_url"],
        created_at=found["created_at"],
        issue_number=int(place.rpartition("/")[2] or 0),
        updated_at=found["updated_at"],
        node_id=found.get("node_id", ""),
    )


def _person(user: Any) -> Person | None:
    """None for a deleted account (GitHub shows it as ghost, and sometimes as null)."""
    return Person(id=user["id"], login=user["login"]) if user else None


def _type(user: Any) -> str:
    return str(user["type"]) if user else ""
