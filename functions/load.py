"""The view of one issue, read from the table: what `decide` sees and what texts are rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.events import Event
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.operator import Operator
from shared.domain.protocol import Observation
from shared.domain.record import Key, Record
from shared.domain.shape import Shape
from shared.domain.spec import SpecRecord
from shared.domain.step import StepState
from shared.domain.view import View
from shared.errors import Final
from shared.ports import Blobs, Store, read_all
from shared.spill import unpack

TIMELINE_JOBS = 6  # the newest jobs whose events a timeline shows
_STAND_IN = frozenset({"blob", "sha256", "bytes", "head", "of"})

_Body = TypeVar("_Body", bound=Shape)


class IssueMissing(Final):
    """The table knows no such issue."""


def load_view(
    store: Store,
    blobs: Blobs,
    operator: Operator,
    pk: str,
    *,
    job: str | None = None,
    blank: IssueState | None = None,
    for_rendering: bool = False,
) -> View:
    """Everything that is known of an issue.

    `job` names the job whose observations are wanted (default: the newest verify job). `blank` is the state to begin
    with where nothing is stored yet. `for_rendering` adds events and steps. Raises IssueMissing, BlobMissing, BlobDamaged.
    """
    reader = _Reader(store, blobs)
    issue = reader.read(keys.issue_state(pk), IssueState) or blank
    if issue is None:
        raise IssueMissing(f"nothing is stored of {pk}")
    approval = issue.approval
    active = reader.read(keys.job_state(issue.job), JobState) if issue.job else None
    build = _build_of(reader, issue, active)
    return View(
        pk=pk,
        operator=operator,
        issue=issue,
        spec=reader.read(keys.spec(pk, issue.version), SpecRecord) if issue.version else None,
        approved=reader.read(keys.spec(pk, approval.version), SpecRecord) if approval else None,
        job=active,
        lease=reader.read(keys.job_lease(issue.job), Lease) if issue.job else None,
        build=build,
        proof=reader.read(keys.job_state(issue.verified_job), JobState)
        if issue.verified_job and for_rendering
        else None,
        ledger=reader.read(keys.ledger(pk, approval.ledger), Ledger) if approval else None,
        ask=reader.read(keys.ask_ledger(pk), Ledger),
        levels=reader.levels(pk),
        observations=reader.observations(job or issue.verified_job),
        events=reader.events(_shown_jobs(issue)) if for_rendering else (),
        steps=reader.steps(active if active and active.kind in ("build", "fix") else build) if for_rendering else (),
        versions=reader.versions,
        jobs_ahead=reader.jobs_ahead(issue),
    )


def _build_of(reader: _Reader, issue: IssueState, active: JobState | None) -> JobState | None:
    if issue.build is None:
        return None
    if active is not None and active.id == issue.build:
        return active
    return reader.read(keys.job_state(issue.build), JobState)


def _shown_jobs(issue: IssueState) -> list[str]:
    names = [line.id for line in issue.jobs] + [name for name in (issue.build, issue.verified_job, issue.job) if name]
    return sorted(set(names))[-TIMELINE_JOBS:]


class _Reader:
    """Reads and remembers the stored version of what it read."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self.versions: dict[Key, int] = {}

    def read(self, key: Key, shape: type[_Body]) -> _Body | None:
        record = self._store.get(key)
        if record is None:
            return None
        self.versions[key] = record.version
        return shape.model_validate(unpack(record, self._blobs).body)

    def levels(self, pk: str) -> Mapping[Key, Effect]:
        found = {}
        for record in read_all(self._store, pk, "EFFECT#L#"):
            if record.kind == "effect":
                self.versions[record.key] = record.version
                found[record.key] = Effect.model_validate(unpack(record, self._blobs).body)
        return found

    def observations(self, job: str | None) -> tuple[Observation, ...]:
        return tuple(Observation.model_validate(each.body) for each in self._whole(job, "EVIDENCE#"))

    def events(self, jobs: Iterable[str]) -> tuple[Event, ...]:
        """Of several jobs, in the order in which they happened."""
        found = [(record.key.sk, record) for job in jobs for record in self._whole(job, "EVENT#")]
        return tuple(Event.model_validate(record.body) for _, record in sorted(found, key=lambda each: each[0]))

    def steps(self, job: JobState | None) -> tuple[StepState, ...]:
        """What each step did, without fetching long texts: only their beginnings are ever shown."""
        if job is None:
            return ()
        found = read_all(self._store, keys.job_pk(job.id), "STEP#")
        return tuple(StepState.model_validate(_light(record, self._blobs)) for record in found)

    def jobs_ahead(self, issue: IssueState) -> int:
        """Jobs of other issues of this repository that are not over and came before ours (all, while we have none)."""
        mine = issue.job
        return sum(
            1
            for record in read_all(self._store, f"ACTIVE#{issue.installation_id}", "JOB#")
            if record.body.get("repository") == issue.repository.id
            and record.body.get("job") != mine
            and (mine is None or str(record.body.get("job")) < mine)
        )

    def _whole(self, job: str | None, prefix: str) -> Iterable[Record]:
        if job is None:
            return ()
        return (unpack(record, self._blobs) for record in read_all(self._store, keys.job_pk(job), prefix))


def _light(record: Record, blobs: Blobs) -> dict[str, Any]:
    """The body with the beginning of each spilled text in its place; a body that is spilled as a whole is fetched."""
    whole = unpack(record, blobs) if record.body.keys() == _STAND_IN else record
    body: dict[str, Any] = _shortened(whole.body)
    return body


def _shortened(value: Any) -> Any:
    match value:
        case dict() if value.keys() == _STAND_IN:
            return value["head"] if value["of"] == "text" else {}
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
        case list():
            return [_shortened(each) for each in value]
        case _:
            return value
