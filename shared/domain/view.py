"""Everything that is known of one issue at one moment: what `decide` sees, and what texts are rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.effects import Effect
from shared.domain.events import Event
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.operator import Operator
from shared.domain.protocol import Observation
from shared.domain.record import Key
from shared.domain.spec import SpecRecord
from shared.domain.step import Asking, StepState
from shared.domain.usage import Per, Purse, Waiter


@dataclass(frozen=True, slots=True)
class View:
    """Loaded by `functions/load.py`. `versions` has the stored version of every record read (absent: not stored).

    `spec` is the newest version, `approved` the approved one; `job` the active job, `lease` its holder; `ledger` the
    approval's, `ask` the asking allowance. `observations` are those of the job named by the inbound at hand (or of the
    last verify job). `jobs_ahead` are those in this repository, `jobs_ahead_here` in the whole installation; `purses` the
    ceilings above one job, `job_purses` those of the installation that the active job counts under, `waiters` all that
    wait for money under them. `proof` (the newest verify job), `events`, `steps` and `asking` (the newest question to a
    model, of the job or of the planner) are loaded for rendering only.
    """

    pk: str
    operator: Operator
    issue: IssueState
    spec: SpecRecord | None = None
    approved: SpecRecord | None = None
    job: JobState | None = None
    lease: Lease | None = None
    build: JobState | None = None
    proof: JobState | None = None
    ledger: Ledger | None = None
    ask: Ledger | None = None
    levels: Mapping[Key, Effect] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    events: tuple[Event, ...] = ()
    steps: tuple[StepState, ...] = ()
    versions: Mapping[Key, int] = field(default_factory=dict)
    jobs_ahead: int = 0
    jobs_ahead_here: int = 0
    purses: Mapping[Per, Purse] = field(default_factory=dict)
    job_purses: Mapping[Per, Purse] = field(default_factory=dict)
    waiters: tuple[Waiter, ...] = ()
    asking: Asking | None = None

    def version_of(self, key: Key) -> int:
        return self.versions.get(key, 0)
