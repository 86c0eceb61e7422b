"""What `decide` may want to know of GitHub at this moment: needs, and the facts that answer them.

A need is a hashable value. A fact is what `shared/github/facts.py` read for it; `Unknown` says why nothing could be
read and is never replaced by a default. "Not there" is a fact of its own (`Missing`, `RefFact(None)`, `Role.NONE`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.domain.people import Person, Role
from shared.domain.repository_settings import RepositorySettings

# --- needs -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoleOf:
    """What may this account do here? The login is for the URL; the answer counts only when the numeric id matches."""

    user_id: int
    login: str


@dataclass(frozen=True, slots=True)
class IssueNow:
    """The issue as it stands. `number` 0 means the issue that the view is about."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class PullNow:
    number: int


@dataclass(frozen=True, slots=True)
class RefNow:
    """A branch by its short name, without `refs/heads/`."""

    name: str


@dataclass(frozen=True, slots=True)
class DefaultHead:
    """The default branch's name and newest commit."""


@dataclass(frozen=True, slots=True)
class SettingsAt:
    """`.github/persevere.yml` at one commit."""

    sha: str


@dataclass(frozen=True, slots=True)
class CommentNow:
    """An issue comment, or with `review` a review comment of a pull request, as it stands."""

    id: int
    review: bool = False


Need = RoleOf | IssueNow | PullNow | RefNow | DefaultHead | SettingsAt | CommentNow

# --- facts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be read. `why` is a clause for people: "GitHub answered 502", "no answer in 10 s"."""

    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """GitHub says that it is not there (never was, or deleted), or not for us."""

    gone: bool = False


@dataclass(frozen=True, slots=True)
class RoleFact:
    """`role_name` is GitHub's word (a custom role keeps its own name); `why` says why a role is NONE."""

    role: Role
    role_name: str = ""
    why: Literal["", "no_collaborator", "other_account"] = ""


@dataclass(frozen=True, slots=True)
class IssueFact:
    number: int
    title: str
    body: str
    author: Person
    author_type: str  # User, Bot, Organization, Mannequin
    state: Literal["open", "closed"]
    locked: bool
    html_url: str
    updated_at: str
    is_pull: bool = False
    node_id: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullFact:
    number: int
    state: Literal["open", "closed"]
    merged: bool
    draft: bool
    head_sha: str
    head_ref: str
    base_ref: str
    node_id: str
    author: Person | None = None
    app_made: bool = False  # opened by an App's bot account
    html_url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class RefFact:
    """`sha` None: no such branch."""

    sha: str | None


@dataclass(frozen=True, slots=True)
class HeadFact:
    """`sha` None: the repository has no commit yet. `tree` is that commit's tree."""

    branch: str
    sha: str | None
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class SettingsFact:
    """`path` is empty when there is no such file (the settings are the defaults then). `model_line`, from 1, is where
    `model` stands: whether it may be chosen is known only where the operator's models are.
    """

    settings: RepositorySettings
    sha: str
    path: str = ""
    model_line: int = 0


@dataclass(frozen=True, slots=True)
class SettingsBroken:
    """The file is wrong. `line` counts from 1, 0 when unknown; `nearest` is the key that was probably meant."""

    what: str
    line: int = 0
    nearest: str = ""
    sha: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class CommentFact:
    """`app_id` is set when an App wrote it. `created_at` and `updated_at` as GitHub writes them (ISO 8601, UTC).

    `issue_number` is the issue or pull request that it stands under.
    """

    id: int
    body: str
    author: Person | None
    author_type: str
    app_id: int | None
    url: str
    created_at: str
    issue_number: int
    updated_at: str = ""
    node_id: str = ""


Fact = (
    RoleFact
    | IssueFact
    | PullFact
    | RefFact
    | HeadFact
    | SettingsFact
    | SettingsBroken
    | CommentFact
    | Missing
    | Unknown
)

ANSWERS: dict[type, tuple[type, ...]] = {
    RoleOf: (RoleFact, Unknown),
    IssueNow: (IssueFact, Missing, Unknown),
    PullNow: (PullFact, Missing, Unknown),
    RefNow: (RefFact, Unknown),
    DefaultHead: (HeadFact, Missing, Unknown),
    SettingsAt: (SettingsFact, SettingsBroken, Unknown),
    CommentNow: (CommentFact, Missing, Unknown),
}
