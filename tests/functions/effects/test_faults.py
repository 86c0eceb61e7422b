"""Kill, freeze, fail before, fail after, at every single call to the outside: each effect still happens once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain import keys
from shared.domain.changeset import Change, Changeset, encode
from shared.domain.effects import LEVEL, Effect, level_id, once_id
from shared.domain.issue import Approval, IssueState
from shared.domain.messages import StartFirst
from shared.domain.people import Person, Repository
from shared.domain.record import ABSENT, Put, Record
from shared.ports import read_all
from tests.functions.effects.simulated import FAULTS, Simulation, Truth
from tests.unit.render import views

REPOSITORY = Repository(id=1, full_name="octo-org/octo-repo")
PK = keys.issue_pk(1, 1)
BRANCH = "persevere/1-job0000001"
CAUSE = "INBOUND#0000000000001#A"
OCTOCAT = Person(id=1, login="octocat")


@dataclass(frozen=True)
class Case:
    """A kind with its data, and how often it is seen to have happened."""

    kind: str
    data: Callable[[Truth], dict[str, Any]]
    seen: Callable[[Truth], int]
    slot: str = "s"


def blob_of(truth: Truth) -> str:
    changes = (Change(b"src/b.py", "100644", b"y = 2\n"), Change(b"data.bin", "100644", b"\0\1"))
    return truth.blobs.put("1/job0000001", encode(Changeset(truth.github.base, "", changes)))


def commit_data(truth: Truth) -> dict[str, Any]:
    before = truth.github.post_commit(json={"tree": "t0", "parents": [truth.github.base], "message": "Begin"})["sha"]
    truth.github.refs[BRANCH] = before
    return {"branch": BRANCH, "before": before, "changeset": blob_of(truth), "job": "job0000001"}


def pull_data(truth: Truth) -> dict[str, Any]:
    truth.github.refs[BRANCH] = truth.github.base
    return {"branch": BRANCH, "base": "main", "draft": False, "reviewers": ["octocat"]}


def branch_data(truth: Truth) -> dict[str, Any]:
    return {"branch": BRANCH, "base": truth.github.base, "job": "job0000001"}


def checks_data(truth: Truth) -> dict[str, Any]:
    return {}


CASES = (
    Case(
        "react",
        lambda truth: {"on": "comment", "id": 5, "content": "eyes"},
        lambda truth: len(truth.github.reactions),
    ),
    Case(
        "comment",
        lambda truth: StartFirst(verb="plan").model_dump(mode="json"),
        lambda truth: len(truth.github.comments),
    ),
    Case("branch", branch_data, lambda truth: len(truth.github.moves)),
    Case("commit", commit_data, lambda truth: len(truth.github.moves)),
    Case("pull", pull_data, lambda truth: len(truth.github.pulls)),
    Case("status", checks_data, lambda truth: len(truth.github.comments), "status"),
    Case("checks", checks_data, lambda truth: len({run["id"] for run in truth.github.runs}), "checks"),
    Case(
        "start_task",
        lambda truth: {"job": "job0000001", "launch": 1},
        lambda truth: len(truth.machines.started),
    ),
)


def prepare(case: Case) -> tuple[Truth, str]:
    """A table with an approved issue and one open effect."""
    truth = Truth()
    record = views.record(1, views.spec(1, base=truth.github.base))
    approval = Approval(
        version=1,
        sha256=record.sha256,
        by=OCTOCAT,
        role="admin",
        at=truth.ms,
        base=truth.github.base,
        ledger=1,
        way="typed",
    )
    state = IssueState(
        pk=PK,
        repository=REPOSITORY,
        installation_id=1,
        number=1,
        phase="building",
        title="Export",
        author=OCTOCAT,
        requester=OCTOCAT,
        version=1,
        approval=approval,
        branch=BRANCH,
        marker_head=truth.github.base,
    )
    level = case.kind in LEVEL
    name = level_id(PK, case.kind, case.slot) if level else once_id(CAUSE, case.kind, case.slot)
    effect = Effect(id=name, kind=case.kind, slot=case.slot, cause=CAUSE, data=case.data(truth), wanted=int(level))
    key = keys.level_effect(PK, name) if level else keys.once_effect(PK, name)
    truth.store.commit(
        Put(Record(keys.issue_state(PK), "issue", state.model_dump(mode="json")), ABSENT),
        Put(Record(keys.spec(PK, 1), "spec", record.model_dump(mode="json")), ABSENT),
        Put(Record(key, "effect", effect.model_dump(mode="json"), due=truth.ms), ABSENT),
    )
    return truth, name


def violations(case: Case, truth: Truth, name: str) -> list[str]:
    ends = [
        record.body["data"]["state"]
        for record in read_all(truth.store, PK, "INBOUND#")
        if record.body["data"]["effect"] == name
    ]
    found = [] if ends == ["done"] else [f"outcomes {ends}"]
    if case.seen(truth) != 1:
        found.append(f"{case.kind} x{case.seen(truth)}")
    return found


def run(case: Case, *, workers: int = 1, **how: Any) -> tuple[list[str], int]:
    truth, name = prepare(case)
    simulation = Simulation(truth, PK, **how).go(workers)
    return violations(case, truth, name), simulation.calls


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_every_single_fault_at_every_call(case: Case) -> None:
    bad, calls = run(case)
    assert not bad
    failed = {}
    for number in range(1, calls + 1):
        for fault in FAULTS:
            bad, _ = run(case, plan={number: fault})
            if bad:
                failed[number, fault] = bad
    assert not failed


def count_bad(case: Case) -> int:
    _, calls = run(case)
    return sum(bool(run(case, plan={number: fault})[0]) for number in range(1, calls + 1) for fault in FAULTS)


def test_the_faults_would_find_a_weaker_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that ends before its holder is dead, no settling, no look: each shows in some single fault."""
    comment = next(case for case in CASES if case.kind == "comment")
    weakenings: tuple[tuple[str, Any], ...] = (
        ("functions.effects.attempt.CLAIM_S", 5),
        ("functions.effects.engine.SETTLES", frozenset()),
        ("functions.effects.comment.find", lambda *of: None),
    )
    for change in weakenings:
        with monkeypatch.context() as weaker:
            weaker.setattr(*change)
            assert count_bad(comment) > 0, change[0]
    assert count_bad(comment) == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_two_workers_at_once(case: Case) -> None:
    failed = {seed: bad for seed in range(12) if (bad := run(case, workers=2, seed=seed)[0])}
    assert not failed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_several_faults_and_workers_by_seed(case: Case) -> None:
    failed = {seed: bad for seed in range(40) if (bad := run(case, workers=1 + seed % 2, seed=seed, budget=3)[0])}
    assert not failed, f"a failing seed replays: {failed}"
