"""A job: one launch-able piece of work of one issue; and its lease, which says who holds it."""

from __future__ import annotations

from typing import Literal

from shared.domain.people import Person, Repository
from shared.domain.protocol import JobKind, WorkKind
from shared.domain.repository_settings import RepositorySettings
from shared.domain.shape import Shape
from shared.domain.usage import Charge

JobStatus = Literal["queued", "launching", "running", "interrupted", "paused", "handed_over", "failed", "stopped"]

TERMINAL: frozenset[JobStatus] = frozenset({"handed_over", "failed", "stopped"})

MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    "queued": frozenset({"launching", "stopped", "failed"}),
    "launching": frozenset({"running", "launching", "interrupted", "handed_over", "paused", "failed", "stopped"}),
    "running": frozenset({"interrupted", "paused", "handed_over", "failed", "stopped"}),
    "interrupted": frozenset({"launching", "failed", "stopped"}),
    "paused": frozenset({"launching", "failed", "stopped"}),
    "handed_over": frozenset(),
    "failed": frozenset(),
    "stopped": frozenset(),
}

MAX_LAUNCHES = (
    4  # a task that never starts, or dies without getting further, is tried so often before a person is asked
)
MAX_INTERRUPTIONS = 12  # machines that one job may wear out in all, however far it got


class JobState(Shape):
    """What a job is. Only `decide` writes it. Terminal states never change.

    `purpose` for a survey: brief (what is here) or tryout (each check at base). `continues` is the build whose
    transcript this one goes on with, `message` the words that this job's conversation starts with (the evidence).
    `changeset` and `tree`: the last stored work (blob key, tree id). `losses` are machines lost in a row at `lost_at` or
    before: without an answer more than the last one had.
    """

    id: str
    kind: JobKind
    purpose: Literal["", "brief", "tryout"] = ""
    status: JobStatus = "queued"
    issue: str  # its partition key
    repository: Repository
    installation_id: int
    spec_version: int = 0
    ledger: int = 0  # number of the approval's ledger; 0: the operator's allowance
    round: int = 1
    base: str = ""
    head: str | None = None
    continues: str | None = None
    message: str = ""
    model: str = ""
    launch: int = 1
    tainted: bool = False
    settings: RepositorySettings = RepositorySettings()  # as they stood at the one commit that counts for this job
    requested_by: Person | None = None
    created_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    changeset: str | None = None
    tree: str | None = None
    losses: int = 0
    lost_at: int = -1
    reason: str = ""
    summary: str = ""
    steps: int = 0
    seconds: float = 0.0
    sandbox: str = ""
    network: str = ""
    charge: Charge | None = None  # what it has set aside under the ceilings, once it was launched

    @property
    def counts_under(self) -> int:
        """The installation whose month its money counts in: its repository may have moved to another one since."""
        return (self.charge.installation if self.charge is not None else 0) or self.installation_id

    @property
    def over(self) -> bool:
        return self.status in TERMINAL


class BadMove(ValueError):
    """A job was about to go where it cannot go from its state."""


def moved(job: JobState, status: JobStatus, **fields: object) -> JobState:
    """The job in another status. Raises BadMove for a step outside the table."""
    if status not in MOVES[job.status]:
        raise BadMove(f"job {job.id}: {job.status} -> {status}")
    return job.model_copy(update={"status": status, **fields})


class Lease(Shape):
    """Who holds a job. Written by `job_api` only, at claim and heartbeat.

    `seconds` is what this launch worked, `seconds_before` what earlier ones did; `tree` and `bundle` (of that `kind`) are
    the last checkpoint, taken after step `checkpoint_step`, and `unkept` says what of the work since it does not hold.
    `restored_step` is the checkpoint that this launch began from. Calls of answers up to
    `begun_step` may have been run. `finished`: this holder has said its last word.
    """

    job: str
    launch: int
    epoch: int
    nonce: str
    until: int
    step: int = 0
    doing: str = ""
    seconds: float = 0.0
    seconds_before: float = 0.0
    checkpoint_step: int = -1
    tree: str | None = None
    bundle: str | None = None
    kind: WorkKind = "changeset"
    unkept: str = ""
    restored_step: int = -1
    begun_step: int = -1
    wrap_up: bool = False
    finished: bool = False
    claimed_at: int = 0
