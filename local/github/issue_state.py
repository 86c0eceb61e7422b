"""Issues, pull requests, and what people say on them, as the simulator keeps them."""

from dataclasses import dataclass, field
from typing import Any

from local.github.state import Account, App, Repository


@dataclass(eq=False)
class Label:
    id: int
    node_id: str
    name: str
    color: str
    description: str | None


@dataclass(eq=False)
class Reaction:
    id: int
    node_id: str
    user: Account
    content: str
    created_at: float


@dataclass(eq=False)
class Edit:
    """One edit of a text. `body` is what it left."""

    editor: Account
    at: float
    body: str


@dataclass(eq=False)
class Comment:
    """An issue comment (those on pull requests too)."""

    id: int
    node_id: str
    repository: Repository
    issue: "Issue"
    user: Account
    body: str
    created_at: float
    updated_at: float
    via_app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None
    edits: list[Edit] = field(default_factory=list)


@dataclass(eq=False)
class Review:
    id: int
    node_id: str
    user: Account
    body: str
    state: str
    commit_id: str
    submitted_at: float | None
    via_app: App | None = None


@dataclass(eq=False)
class Thread:
    """A review thread: resolved as one, seen through GraphQL only."""

    id: int
    node_id: str
    pull: "Pull"
    comments: list["ReviewComment"] = field(default_factory=list)
    resolved_by: Account | None = None


@dataclass(eq=False)
class ReviewComment:
    id: int
    node_id: str
    pull: "Pull"
    review: Review | None
    thread: Thread
    user: Account
    body: str
    path: str
    commit_id: str
    created_at: float
    updated_at: float
    line: int | None = None
    start_line: int | None = None
    side: str = "RIGHT"
    subject_type: str = "line"
    diff_hunk: str = ""
    in_reply_to: int | None = None
    via_app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None
    edits: list[Edit] = field(default_factory=list)


@dataclass(eq=False)
class Pull:
    """What a pull request has beyond its issue. Head and base are branches of one repository."""

    id: int
    node_id: str
    issue: "Issue"
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool
    maintainer_can_modify: bool = True
    merged_at: float | None = None
    merged_by: Account | None = None
    merge_commit_sha: str | None = None
    requested_reviewers: list[Account] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    @property
    def review_comments(self) -> list[ReviewComment]:
        """Oldest first, over all threads."""
        return sorted((c for t in self.threads for c in t.comments), key=lambda c: c.id)


@dataclass(eq=False)
class Issue:
    """An issue, or the issue side of a pull request (`pull` is set)."""

    id: int
    node_id: str
    repository: Repository
    number: int
    title: str
    body: str | None
    user: Account
    created_at: float
    updated_at: float
    via_app: App | None = None
    state: str = "open"
    state_reason: str | None = None
    closed_at: float | None = None
    closed_by: Account | None = None
    locked: bool = False
    lock_reason: str | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    # login (lower case) -> why this person is told of what happens here
    subscribers: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    pull: Pull | None = None


@dataclass(eq=False)
class Happened:
    """An entry of the repository's list of issue events."""

    id: int
    issue: Issue
    event: str
    actor: Account
    at: float
    via_app: App | None = None
    label: Label | None = None
