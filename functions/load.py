"""The view of one issue, read from the table: what `decide` sees and what texts are rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.events import Event
from shared.domain.inbound import Inbound
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.operator import Operator
from shared.domain.protocol import Observation
from shared.domain.record import Key, Record
from shared.domain.shape import Shape
from shared.domain.spec import SpecRecord
from shared.domain.step import Asking, StepState
from shared.domain.usage import ALL, Per, Purse, Waiter, day_of, scopes
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
    now: int | None = None,
    heard: Inbound | None = None,
) -> View:
    """Everything that is known of an issue.

    `job` names the job whose observations are wanted (default: the newest verify job). `blank` is the state to begin
    with where nothing is stored yet. `for_rendering` adds events and steps; `now` (UTC ms) adds the ceilings of that day,
    for deciding. `heard` is what GitHub told: the issue is where the newest of that says. Raises IssueMissing, BlobMissing,
    BlobDamaged.
    """
    reader = _Reader(store, blobs)
    issue = reader.read(keys.issue_state(pk), IssueState) or blank
    if issue is None:
        raise IssueMissing(f"nothing is stored of {pk}")
    issue = _followed(issue, heard)
    approval = issue.approval
    active = reader.read(keys.job_state(issue.job), JobState) if issue.job else None
    build = _build_of(reader, issue, active)
    waiters = reader.waiters() if now is not None else ()
    purses, job_purses = reader.ceilings(operator, issue, active, now, waiters) if now is not None else ({}, {})
    ahead, ahead_here = reader.jobs_ahead(issue, {job.installation_id for job in (active, build) if job})
    steps = reader.steps(active if active and active.kind in ("build", "fix") else build) if for_rendering else ()
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
        steps=steps,
        versions=reader.versions,
        jobs_ahead=ahead,
        jobs_ahead_here=ahead_here,
        purses=purses,
        job_purses=job_purses,
        waiters=waiters,
        asking=reader.asking(issue, steps) if for_rendering else None,
    )


def _followed(issue: IssueState, heard: Inbound | None) -> IssueState:
    """A repository is renamed or transferred, an App taken away and installed again: the repository's id stays.

    What was told before the newest place that is known moves nothing, however late it is handled: it may have waited,
    or have been fetched long after it happened.
    """
    if heard is None or heard.repository is None or heard.repository.id != issue.repository.id:
        return issue
    told_at = heard.received - heard.late_s * 1000
    if told_at < issue.placed_at:
        return issue
    return issue.model_copy(
        update={
            "placed_at": told_at,
            "repository": heard.repository,
            "installation_id": heard.installation_id or issue.installation_id,
        }
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

    def jobs_ahead(self, issue: IssueState, before: set[int]) -> tuple[int, int]:
        """Jobs of other issues that are not over and came before ours (all, while we have none): in this repository, and
        in the whole installation. `before` are installations that our jobs were filed under: jobs of this repository
        may be at work there still, since it moved.
        """
        mine = issue.job
        ahead = [
            record.body.get("repository")
            for installation in {issue.installation_id} | before
            for record in read_all(self._store, f"ACTIVE#{installation}", "JOB#")
            if (installation == issue.installation_id or record.body.get("repository") == issue.repository.id)
            and record.body.get("job") != mine
            and (mine is None or str(record.body.get("job")) < mine)
        ]
        return sum(each == issue.repository.id for each in ahead), len(ahead)

    def waiters(self) -> tuple[Waiter, ...]:
        """Everybody who waits for money, oldest first."""
        found = (Waiter.model_validate(record.body) for record in read_all(self._store, keys.WAITING, "JOB#"))
        return tuple(sorted(found, key=lambda each: (each.since, each.name)))

    def ceilings(
        self, operator: Operator, issue: IssueState, active: JobState | None, now: int, waiters: tuple[Waiter, ...]
    ) -> tuple[Mapping[Per, Purse], Mapping[Per, Purse]]:
        """Those of the issue, and those that its active job counts under. The gates' versions are read before what they guard."""
        for key in (keys.gate(ALL), keys.gate(str(issue.installation_id))):
            gate = self._store.get(key)
            if gate is not None:
                self.versions[key] = gate.version
        here, repository = issue.installation_id, issue.repository.id
        found = self._purses(operator, here, repository, now, waiters)
        where = active.counts_under if active is not None else here
        return found, found if where == here else self._purses(operator, where, repository, now, waiters)

    def _purses(
        self, operator: Operator, installation: int, repository: int, now: int, waiters: tuple[Waiter, ...]
    ) -> Mapping[Per, Purse]:
        """The ceilings of that day with what counts against them."""
        found: dict[Per, Purse] = {}
        for per, pk, limit in scopes(operator, installation, repository, day_of(now)):
            lines = read_all(self._store, pk, "JOB#") if limit is not None else ()
            counted = {record.key.sk.removeprefix("JOB#"): record.body for record in lines}
            found[per] = Purse(
                per,
                pk,
                limit,
                taken={name: int(body["nano"]) for name, body in counted.items()},
                at_work=frozenset(name for name, body in counted.items() if body.get("at_work")),
                waiting=tuple(each for each in waiters if each.wants(per, installation, repository)),
            )
        return found

    def asking(self, issue: IssueState, steps: tuple[StepState, ...]) -> Asking | None:
        """The newest question to a model: of the planner while it is at work, else of the last step."""
        if not issue.planning:
            return steps[-1].asking if steps else None
        newest: Asking | None = None
        for record in read_all(self._store, issue.pk, f"PLAN#{issue.planning}#"):
            newest = StepState.model_validate(_light(record, self._blobs)).asking
        return newest

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
