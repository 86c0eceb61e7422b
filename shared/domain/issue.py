"""The state of one issue: where it stands, whose turn it is, and what stands on GitHub because of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.domain.evidence import Acceptance, Verdict
from shared.domain.people import Person, Repository
from shared.domain.protocol import JobKind, Survey
from shared.domain.repository_settings import RepositorySettings
from shared.domain.shape import Shape
from shared.domain.usage import Charge

Phase = Literal[
    "idle",
    "interviewing",
    "meeting",
    "proposed",
    "approved",
    "building",
    "verifying",
    "in_review",
    "done",
    "waiting",
    "paused",
    "stopped",
    "ended",
]

PHASES: dict[Phase, str] = {
    "idle": "nothing was asked yet",
    "interviewing": "reading, asking, writing the spec",
    "meeting": "in a call",
    "proposed": "a spec waits for approval",
    "approved": "approved, no machine yet",
    "building": "the agent works",
    "verifying": "each criterion is proved in a fresh container",
    "in_review": "a pull request waits for people",
    "done": "merged",
    "waiting": "for someone or something named, with what to type",
    "paused": "money or time is used up",
    "stopped": "by a person; the work is kept",
    "ended": "over, with a report",
}

MOVES: dict[Phase, frozenset[Phase]] = {
    "idle": frozenset({"interviewing", "meeting"}),
    "interviewing": frozenset(
        {"meeting", "proposed", "waiting", "stopped", "ended", "idle", "approved", "in_review", "done"}
    ),
    "meeting": frozenset({"interviewing", "stopped", "ended"}),
    "proposed": frozenset({"approved", "interviewing", "stopped", "ended", "waiting", "in_review", "done"}),
    "approved": frozenset(
        {"building", "proposed", "interviewing", "stopped", "waiting", "ended", "verifying", "paused", "done"}
    ),
    "building": frozenset(
        {"verifying", "in_review", "paused", "waiting", "stopped", "ended", "proposed", "interviewing", "done"}
    ),
    "verifying": frozenset(
        {"building", "in_review", "waiting", "paused", "stopped", "ended", "approved", "interviewing", "done"}
    ),
    "in_review": frozenset(
        {"verifying", "building", "approved", "done", "ended", "stopped", "waiting", "interviewing"}
    ),
    "done": frozenset({"interviewing"}),
    "waiting": frozenset(
        {
            "interviewing",
            "proposed",
            "approved",
            "building",
            "verifying",
            "in_review",
            "stopped",
            "ended",
            "done",
            "idle",
        }
    ),
    "paused": frozenset({"approved", "building", "verifying", "interviewing", "stopped", "ended", "done", "in_review"}),
    "stopped": frozenset(
        {"approved", "building", "interviewing", "proposed", "verifying", "ended", "done", "in_review"}
    ),
    "ended": frozenset({"interviewing", "approved", "building", "verifying", "in_review", "done", "proposed"}),
}


class TakenText(Shape):
    """The issue's title and body as they stood when a writer's first command came. `sha256` of the visible text."""

    title: str
    body: str
    author: Person
    author_role: str
    at: int
    sha256: str
    hidden: int = 0  # characters that no person sees and that were removed


class Option(Shape):
    letter: str
    text: str
    why: str = ""  # set on the proposed one


class Question(Shape):
    number: int
    text: str
    options: tuple[Option, ...] = ()


class Interview(Shape):
    """Rounds of questions. `heard_at`: the last answer came then; it is read after some quiet."""

    round: int = 0
    questions: tuple[Question, ...] = ()
    known: tuple[str, ...] = ()
    asked_at: int | None = None
    heard_at: int | None = None
    answers: int = 0


class Approval(Shape):
    """What exactly was approved, by whom. `ledger` numbers its money."""

    version: int
    sha256: str
    by: Person
    role: str
    at: int
    base: str
    ledger: int
    way: Literal["box", "typed", "exact"]


class Waiting(Shape):
    """Why nothing moves: `reason` is a name that `shared/render` has words for, `detail` a fact, `line` what to type."""

    reason: str
    detail: str = ""
    line: str = ""
    whose: str = ""
    since: int = 0


class Remote(Shape):
    """Something of ours on GitHub. `sha256` is of the body as GitHub returned it."""

    id: int
    node_id: str = ""
    sha256: str = ""
    url: str = ""


class Pull(Shape):
    number: int
    node_id: str = ""
    draft: bool = True
    state: Literal["open", "closed", "merged"] = "open"
    head: str = ""
    url: str = ""


class JobLine(Shape):
    """One row of the issue's history of jobs."""

    id: str
    kind: JobKind
    purpose: str = ""
    status: str
    round: int = 1
    steps: int = 0
    seconds: float = 0.0
    epoch: int = 0


class Note(Shape):
    """A line that the status carries until the next change of phase: near misses, counts, edits of the issue."""

    name: str
    who: str = ""
    text: str = ""
    at: int = 0


class IssueState(Shape):
    """The body of an issue's STATE record. `deadlines` are UTC ms by name; the record's `due` is the earliest."""

    pk: str
    repository: Repository
    installation_id: int
    number: int
    phase: Phase = "idle"
    title: str = ""
    author: Person | None = None
    requester: Person | None = None
    mode: Literal["sensible", "interview", "plan"] = "sensible"
    taken: TakenText | None = None
    interview: Interview = Interview()
    asking_charge: Charge | None = None  # what asking has set aside under the ceilings
    queued: str = ""  # why asking waits for room under a ceiling, in words
    planning: str = ""  # the start_planner effect whose answer is waited for
    model: str = ""  # what a person chose with `model`; empty: the repository's or the operator's
    tainted: bool = False  # a text of somebody without write access was taken in
    settings: RepositorySettings = RepositorySettings()  # as they stood at the newest start or approval
    survey: Survey | None = None
    surveyed_sha: str = ""
    version: int = 0  # newest spec version
    proposed_at: int | None = None
    proposed_posted: bool = False
    revision: str = ""  # what `revise` asked for, until the next version is there
    revision_by: str = ""
    resumable: Phase | None = None  # where a pause, stop or revise came from
    approval: Approval | None = None
    approvals: int = 0
    job: str | None = None
    build: str | None = None  # newest build or fix, whose transcript a next one continues
    branch: str | None = None
    head: str | None = None  # newest commit of ours on the branch
    work_tree: str | None = None  # of the changeset that was put on the branch last, as the runner named it
    marker_head: str | None = None  # the empty commit that the timeline check hangs on before there is content
    round: int = 1
    verified_head: str | None = None
    verified_job: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    observations_from: str | None = None
    accepted: dict[str, Acceptance] = Field(default_factory=dict)
    pull: Pull | None = None
    waiting: Waiting | None = None
    notes: tuple[Note, ...] = ()
    left_out_comments: int = 0
    left_out_commands: int = 0
    unread_comments: int = 0
    slots: dict[str, Remote] = Field(default_factory=dict)
    checks: dict[str, int] = Field(default_factory=dict)  # "<head>:<slot>" -> check run id
    jobs: tuple[JobLine, ...] = ()
    effects_done: int = 0
    closed: bool = False
    locked: bool = False
    asking_spent_nano: int = 0
    flagged: tuple[dict[str, str], ...] = ()  # allowed, but a reviewer should look: path, rule, words
    people_head: str | None = None  # newest commit that a person pushed to our branch: built upon, never replaced
    commit_waits: dict[str, Any] = Field(default_factory=dict)  # data of a commit that the branch is not there for yet
    after_commit: Literal["", "verify", "draft"] = ""
    stop_reason: str = ""
    provider_tries: int = 0  # in a row without an answer of any model
    deadlines: dict[str, int] = Field(default_factory=dict)
    touched_at: int = 0
    placed_at: int = 0  # repository and installation are as GitHub told them at this moment

    @property
    def started(self) -> bool:
        """Whether somebody with the right ever began here; before that we say nothing unasked."""
        return self.requester is not None

    @property
    def due(self) -> int | None:
        return min(self.deadlines.values(), default=None)


class BadMove(ValueError):
    """The workflow was about to make a step that is not in the table."""


def moved(issue: IssueState, phase: Phase, **fields: object) -> IssueState:
    """The issue in another phase (or the same). Raises BadMove for a step outside the table.

    Leaving a halt clears `waiting`; status notes live until the phase changes.
    """
    if phase != issue.phase and phase not in MOVES[issue.phase]:
        raise BadMove(f"issue {issue.pk}: {issue.phase} -> {phase}")
    fresh: dict[str, object] = {"phase": phase}
    if phase != issue.phase:
        fresh |= {"notes": (), "waiting": None}
    return issue.model_copy(update=fresh | fields)
