"""SIGKILL at every request of a runner but its heartbeats, before it arrives or once it has been answered, on the whole
product: real doors, real store, real GitHub simulator, real processes. Nothing about the end may differ.

A story has one kill in each of its jobs (two surveys, build, proof), so that as few stories as possible have all of them;
every job of a story comes to its end through the same doors, so a kill that does harm is seen whatever the others do.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from functions.world import use
from shared.domain import keys
from shared.domain.job import JobState, Lease
from shared.domain.step import StepState
from shared.ports import Answer, Request, read_all
from shared.spill import unpack
from tests.e2e.place import Place
from tests.e2e.stories import HELLO, SAMPLE, bash, build, finish, spec, write
from tests.e2e.watch import SecretWatch
from tests.e2e.whole_product import Switchboard, WholeProduct, whole_product
from tests.runner.kill_matrix.gate import AddressedTasks, Gate, Kill, When

SIDE_BY_SIDE = 3
ALL = os.environ.get("PERSEVERE_KILLS") == "all"
STEP = "PUT /v1/steps/"
MOVES = (STEP, "POST /v1/claim", "POST /v1/begin", "POST /v1/finish")
BOTH: tuple[When, When] = ("before", "after")
Kills = dict[str, tuple[Kill, ...]]
JOBS = ("survey brief", "survey tryout", "build", "verify")
SCRIPT = (
    spec(),
    # What is done twice is seen: a line too many.
    build(write("greet.py", HELLO), bash("echo one >> notes.txt")),
    build(bash("echo two >> notes.txt; rm -f scratch")),
    build(finish()),
)


class CountedModel(Switchboard):
    """How often each repository's model was asked."""

    def __init__(self, watch: SecretWatch) -> None:
        super().__init__(watch)
        self.asked: Counter[str] = Counter()

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        text = repr(request.turns)
        self.asked.update(name for name in self._scripts if f"{name};" in text or f"{name} " in text)
        return super().ask(request, deadline_s, alive)


@dataclass
class Matrix:
    product: WholeProduct
    gate: Gate
    model: CountedModel

    def begin(self) -> Place:
        return self.product.begin(SAMPLE, SCRIPT)

    def whose(self, job: str) -> tuple[str, str]:
        record = self.product.world.store.get(keys.job_state(job))
        assert record is not None, job
        state = JobState.model_validate(unpack(record, self.product.world.blobs).body)
        return state.issue, f"{state.kind} {state.purpose}".strip()


@dataclass(frozen=True)
class End:
    """What must be the same whatever was killed. `left` is what is still to do, but for the news, which comes after its last
    word and changes nothing, that the last machine has ended.
    """

    phase: str
    tree: str
    notes: str
    pulls: int
    ready: bool
    comments: tuple[str, ...]
    checks: tuple[tuple[str, str], ...]
    held: int
    left: tuple[str, ...]


@pytest.fixture
def matrix(tmp_path: Path) -> Iterator[Matrix]:
    gates: list[Gate] = []

    def gate(application: Callable[..., object]) -> Gate:
        gates.append(Gate(application, tmp_path / "product"))
        return gates[0]

    with whole_product(tmp_path / "product", sandbox="none", gate=gate) as product:
        (made,) = gates
        made.host_url, made.github_url = product.host_url, product.url
        tasks = product.world.tasks
        product.world = replace(
            product.world,
            tasks=AddressedTasks(product.home, product.host_url, product.world.clock, extra=tasks._extra),  # type: ignore[attr-defined]
        )
        use(product.world)
        model = CountedModel(product.watch)
        product.model = model
        found = Matrix(product, made, model)
        made.whose = found.whose
        yield found


def play(matrix: Matrix, kills: Kills) -> tuple[Place, list[str]]:
    """One story to its end; the requests that were hit."""
    place = matrix.begin()
    place.open_issue()
    for kind, planned in kills.items():
        matrix.gate.plans[place.pk, kind] = planned
    place.plan()
    place.approve()
    place.settle()
    return place, [f"{kind}: {hit}" for pk, kind, hit in matrix.gate.killed if pk == place.pk]


def end_of(place: Place) -> End:
    pulls = place.octocat.pulls(place.full_name, state="all")
    pull = place.pull()
    assert pull is not None, "\n--\n".join(place.ours())
    head = pull["head"]["sha"]
    return End(
        phase=place.phase,
        tree=git(place, "rev-parse", f"{head}^{{tree}}"),
        notes=git(place, "show", f"{head}:notes.txt"),
        pulls=len(pulls),
        ready=not pull["draft"],
        comments=tuple(sorted(body.splitlines()[0] for body in place.replies())),
        checks=tuple(sorted((name, run["conclusion"]) for name, run in place.checks().items())),
        held=place.held(),
        left=tuple(each for each in place.open_work() if not each.startswith("INBOUND#")),
    )


def git(place: Place, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=place.git_dir, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def steps_of(place: Place) -> list[StepState]:
    store, blobs = place.product.world.store, place.product.world.blobs
    state = place.state()
    assert state is not None
    return [
        StepState.model_validate(unpack(record, blobs).body)
        for line in state.jobs
        for record in read_all(store, keys.job_pk(line.id), "STEP#")
    ]


def leases_of(place: Place) -> list[Lease]:
    state = place.state()
    assert state is not None
    found = [place.product.world.store.get(keys.job_lease(line.id)) for line in state.jobs]
    return [Lease.model_validate(record.body) for record in found if record is not None]


@pytest.mark.timeout(3600)
def test_a_runner_killed_at_any_request_changes_nothing_about_the_end(matrix: Matrix) -> None:
    calm, _ = play(matrix, {})
    wanted = end_of(calm)
    assert (wanted.phase, wanted.notes, wanted.pulls, wanted.ready) == ("in_review", "one\ntwo", 1, True)
    points = {kind: points_of(matrix.gate.seen[calm.pk, kind, 1]) for kind in JOBS}
    assert all(len(found) >= 7 for found in points.values()), points

    def one(kills: Kills) -> list[str]:
        try:
            place, hit = play(matrix, kills)
            return [f"{kills}: {each}" for each in wrongs(matrix, calm, wanted, place, kills, hit)]
        except AssertionError as error:
            return [f"{kills}: {error}"[:3000]]

    asks = [number for number, each in enumerate(matrix.gate.seen[calm.pk, "build", 1]) if each.startswith(STEP)]
    kept = points["build"].index(Kill(asks[1], "after"))  # from here on there is a bundle
    again = restoring(matrix, points["build"][kept])
    stories = list(stories_of(points, kept, again))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        wrong = [each for found in pool.map(one, stories) for each in found]
    assert not wrong, "\n".join(wrong)


def points_of(seen: list[str], launch: int = 1) -> list[Kill]:
    """Before each request; after it where that is another moment than before the next one.

    A machine that died takes what it did in between with it, so for everybody else the two are one. Both are struck where
    the job's own record moves on. PERSEVERE_KILLS=all strikes both everywhere.
    """
    return [
        Kill(number, when, launch)
        for number, each in enumerate(seen)
        for when in BOTH
        if when == "before" or ALL or each.startswith(MOVES)
    ]


def restoring(matrix: Matrix, first: Kill) -> list[Kill]:
    """Where a machine can be killed that takes over a build: each request until it goes on with the next step."""
    place, _ = play(matrix, {"build": (first,)})
    seen = matrix.gate.seen[place.pk, "build", 2]
    assert "GET /blobs/…" in seen, f"no bundle was restored: {seen}"
    last = next(number for number, each in enumerate(seen) if each.startswith((STEP, "POST /v1/begin")))
    return points_of(seen[: last + 1], launch=2)


def stories_of(points: dict[str, list[Kill]], kept: int, again: list[Kill]) -> Iterator[Kills]:
    """As few as have every point. Who takes over a build is killed where the first machine left a bundle (from `kept` on,
    but for the end), so that this costs no story of its own.
    """
    builds = points["build"]
    late = builds[kept:-1]
    rest = [(late[number % len(late)], each) for number, each in enumerate(again)]
    several: list[tuple[Kill, ...]] = [(each,) for each in (*builds[:kept], *late[len(again) :], builds[-1])]
    planned = {kind: [(each,) for each in found] for kind, found in points.items()} | {"build": several + rest}
    for number in range(max(map(len, planned.values()))):
        yield {kind: found[number] for kind, found in planned.items() if number < len(found)}


def wrongs(matrix: Matrix, calm: Place, wanted: End, place: Place, kills: Kills, hit: list[str]) -> Iterator[str]:
    found = end_of(place)
    if found != wanted:
        yield f"the end is {found}, without kills {wanted}"
    if len(hit) != sum(map(len, kills.values())):
        yield f"only {hit} were hit"
    steps = steps_of(place)
    if again := [step.step for step in steps if step.asking and (step.asking.attempt != 1 or step.asking.lost)]:
        yield f"steps {again} were asked for again"
    # A command that was cut short has to be thought of once more; nothing else costs a question.
    more = len(steps) - len(steps_of(calm))
    cut = sum(result.status == "interrupted" for step in steps for result in step.results or ()) > 0
    if more != cut:
        yield f"{more} more answers were paid for, and {'something' if cut else 'nothing'} was cut short"
    asked = matrix.model.asked[place.full_name] - matrix.model.asked[calm.full_name]
    if asked != more:
        yield f"the model was asked {asked} times more for {more} more answers"
    most = 1 + max(map(len, kills.values()))
    if any(lease.epoch > most for lease in leases_of(place)):
        yield f"more machines were used than were killed: {[lease.epoch for lease in leases_of(place)]}"
