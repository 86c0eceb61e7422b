"""The view: everything that is known of an issue, with the version of each record."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from functions.load import IssueMissing, load_view
from shared.domain import keys
from shared.domain.events import Event
from shared.domain.inbound import Inbound
from shared.domain.issue import Approval, IssueState, JobLine
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.operator import Operator
from shared.domain.people import Person, Repository
from shared.domain.protocol import Call, CallResult, Observation, Reply
from shared.domain.record import ANY, Key, Put, Record
from shared.domain.step import StepState
from shared.spill import pack
from tests.contract.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import MemoryBlobs
from tests.unit.render import views

PK = keys.issue_pk(1, 7)
REPOSITORY = Repository(id=1, full_name="octo-org/octo-repo")
OCTOCAT = Person(id=5, login="octocat")


class Table:
    def __init__(self) -> None:
        self.store, self.blobs = MemoryStore(ManualClock()), MemoryBlobs()

    def put(self, key: Key, kind: str, body: BaseModel | dict) -> None:
        data = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        self.store.commit(Put(pack(Record(key, kind, data), self.blobs, "1/7"), ANY))

    def load(self, **how):
        return load_view(self.store, self.blobs, Operator(), PK, **how)


def job(name: str, **fields) -> JobState:
    blank = JobState(id=name, kind="build", issue=PK, repository=REPOSITORY, installation_id=3)
    return blank.model_copy(update=fields)


def state(**fields) -> IssueState:
    blank = IssueState(pk=PK, repository=REPOSITORY, installation_id=3, number=7)
    return blank.model_copy(update=fields)


@pytest.fixture
def table() -> Table:
    table = Table()
    approval = Approval(version=1, sha256="x", by=OCTOCAT, role="write", at=1, base="b", ledger=2, way="typed")
    lines = tuple(JobLine(id=name, kind="build", status="running") for name in ("jobA", "jobB"))
    whole = state(version=2, approval=approval, job="jobC", build="jobB", verified_job="jobC", jobs=lines)
    table.put(keys.issue_state(PK), "issue", whole)
    for version in (1, 2):
        table.put(keys.spec(PK, version), "spec", views.record(version))
    for name, kind in (("jobB", "build"), ("jobC", "verify")):
        table.put(keys.job_state(name), "job", job(name, kind=kind))
    table.put(keys.job_lease("jobC"), "lease", Lease(job="jobC", launch=1, epoch=4, nonce="n" * 16, until=9))
    table.put(keys.ledger(PK, 2), "ledger", Ledger(limit_nano=100, limit_seconds=60))
    table.put(keys.ask_ledger(PK), "ledger", Ledger(limit_nano=5, limit_seconds=60, kept_percent=0))
    table.put(keys.level_effect(PK, "a" * 20), "effect", {"id": "a" * 20, "kind": "status", "wanted": 1})
    table.put(keys.level_effect(PK, "bell"), "bell", {"at": 1})
    table.put(keys.evidence("jobC", "AC-1", "base"), "evidence", Observation(criterion="AC-1", side="base", sha="s"))
    return table


def test_the_whole_is_read_with_its_versions(table: Table) -> None:
    view = table.load()
    assert view.spec is not None
    assert view.approved is not None
    assert (view.spec.spec.version, view.approved.spec.version) == (2, 1)
    assert view.job is not None
    assert view.build is not None
    assert (view.job.id, view.build.id) == ("jobC", "jobB")
    assert view.lease is not None
    assert view.lease.epoch == 4
    assert view.ledger is not None
    assert view.ask is not None
    assert (view.ledger.limit_nano, view.ask.limit_nano) == (100, 5)
    assert [each.criterion for each in view.observations] == ["AC-1"]
    assert [key.sk for key in view.levels] == [f"EFFECT#L#{'a' * 20}"]
    for key in (keys.issue_state(PK), keys.job_state("jobC"), keys.job_lease("jobC"), keys.ledger(PK, 2)):
        assert view.version_of(key) == 1
    assert view.version_of(keys.spec(PK, 9)) == 0
    assert view.events == view.steps == ()


def test_an_unknown_issue_begins_blank_or_is_missing() -> None:
    table = Table()
    with pytest.raises(IssueMissing):
        table.load()
    view = table.load(blank=state(title="New"))
    assert view.issue.title == "New"
    assert view.version_of(keys.issue_state(PK)) == 0


def test_spilled_texts_are_read_whole(table: Table) -> None:
    long = "x" * 40_000
    table.put(keys.evidence("jobC", "AC-2", "head"), "evidence",
              Observation(criterion="AC-2", side="head", sha="s", findings=(long,)))  # fmt: skip
    found = {each.criterion: each for each in table.load().observations}
    assert found["AC-2"].findings == (long,)


def test_steps_for_rendering_do_not_fetch_long_texts(table: Table) -> None:
    step = StepState(
        step=0,
        reply=Reply(step=0, text="y" * 40_000, calls=(Call(id="0.0", tool="bash", args={"command": "pytest"}),)),
        results=(
            CallResult(call="0.0", status="ok", exit=1, text="z" * 40_000, data={"criterion": "AC-1", "passed": False}),
        ),
        raw={"content": "w" * 40_000},
    )
    table.put(keys.step("jobB", 0), "step", step)
    table.blobs.data.clear()
    view = table.load(for_rendering=True)
    reply, results = view.steps[0].reply, view.steps[0].results
    assert reply is not None
    assert results is not None
    assert reply.calls[0].args == {"command": "pytest"}
    assert reply.text == "y" * 200
    assert (results[0].exit, results[0].data["criterion"]) == (1, "AC-1")


def test_events_of_all_jobs_are_in_the_order_of_time(table: Table) -> None:
    for number, name in enumerate(("jobB", "jobA", "jobC", "jobB")):
        event = Event(at=number, job=name, phase="building", kind="step", title=f"event {number}")
        table.put(keys.event(name, number, "w", 0), "event", event)
    assert [event.at for event in table.load(for_rendering=True).events] == [0, 1, 2, 3]


def test_the_queue_counts_older_jobs_of_this_repository_only(table: Table) -> None:
    for name, repository in (("jobA", 1), ("jobB", 1), ("jobC", 1), ("jobD", 1), ("jobE", 2), ("jobAA", 2)):
        table.put(keys.active(3, name), "active", {"job": name, "repository": repository})
    assert table.load().jobs_ahead == 2
    table.put(keys.issue_state(PK), "issue", state(job=None))
    assert table.load().jobs_ahead == 4


@pytest.mark.parametrize("ours", ["jobC", None])
def test_the_queue_of_an_issue_that_moved_counts_what_came_before_under_both_installations(
    table: Table, ours: str | None
) -> None:
    for installation, name in ((3, "jobA"), (3, "jobC"), (8, "jobAA"), (8, "jobD")):
        table.put(keys.active(installation, name), "active", {"job": name, "repository": 1})
    for installation in (3, 8):  # of another repository: it did not move with ours
        table.put(keys.active(installation, "jobAAA"), "active", {"job": "jobAAA", "repository": 2})
    table.put(keys.issue_state(PK), "issue", state(job=ours, build="jobB", installation_id=8))
    view = table.load()
    ahead = 2 if ours else 4
    assert (view.jobs_ahead, view.jobs_ahead_here) == (ahead, ahead + 1)


# --- an issue that moved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "now_at",
    [
        {"installation_id": 8},  # the App was taken away and installed again
        {"installation_id": 8, "repository": Repository(id=1, full_name="octocat/octo-repo")},  # transferred
        {"repository": Repository(id=1, full_name="octo-org/renamed", private=True, default_branch="trunk")},
    ],
)
def test_an_issue_is_where_the_newest_event_of_github_says(table: Table, now_at: dict[str, object]) -> None:
    said = {"kind": "command", "installation_id": 3, "repository": REPOSITORY, "received": 5} | now_at
    issue = table.load(heard=Inbound.model_validate(said)).issue
    assert issue == table.load().issue.model_copy(update=now_at | {"placed_at": 5})


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "deadline"},
        {"kind": "command", "installation_id": 0, "repository": REPOSITORY},
        {"kind": "command", "installation_id": 8, "repository": Repository(id=2, full_name="octo-org/other")},
    ],
)
def test_what_names_no_place_of_it_moves_nothing(table: Table, said: dict[str, object]) -> None:
    assert table.load(heard=Inbound.model_validate(said)).issue == table.load().issue


def heard_from(installation: int, *, received: int, late_s: int = 0) -> Inbound:
    said = {"kind": "command", "installation_id": installation, "repository": REPOSITORY}
    return Inbound.model_validate(said | {"received": received, "late_s": late_s})


@pytest.mark.parametrize(
    "old",
    [
        {"received": 60_000},  # it waited for facts of an installation that is gone
        {"received": 300_000, "late_s": 240},  # it could not be handed over and was fetched afterwards
    ],
)
def test_what_was_said_before_an_issue_moved_does_not_move_it_back(table: Table, old: dict[str, int]) -> None:
    moved = table.load(heard=heard_from(8, received=120_000)).issue
    table.put(keys.issue_state(PK), "issue", moved)
    assert table.load(heard=heard_from(3, **old)).issue == moved


def test_an_issue_stays_where_a_later_event_found_it_though_that_one_moved_nothing(table: Table) -> None:
    table.put(keys.issue_state(PK), "issue", table.load(heard=heard_from(3, received=120_000)).issue)
    assert table.load(heard=heard_from(8, received=60_000)).issue.installation_id == 3


def test_what_is_heard_late_moves_an_issue_that_nothing_later_was_said_of(table: Table) -> None:
    """Who polls hears everything late."""
    table.put(keys.issue_state(PK), "issue", table.load(heard=heard_from(3, received=60_000)).issue)
    assert table.load(heard=heard_from(8, received=180_000, late_s=30)).issue.installation_id == 8
