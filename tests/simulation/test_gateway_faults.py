"""The gateway and the door of a job under faults: every single one, pairs, then seeds. A run that fails prints itself."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shared.domain.money import NANO
from tests.simulation.house import SimHouse
from tests.simulation.scheduler import FAULTS, Fault, Scheduler

PAIRS = int(os.environ.get("PERSEVERE_PAIRS", "80"))
SEEDS = int(os.environ.get("PERSEVERE_SEEDS", "60"))
LIMITS = (5 * NANO, 5 * NANO, NANO // 10, NANO // 20)


def play(home: Path, sim: Scheduler, runners: int, limit: int = 5 * NANO, slow: float = 2.0) -> SimHouse:
    house = SimHouse(home, sim, limit)
    house.model.slow = slow
    for number in range(runners):
        sim.start(f"runner {number}", house.runner, after_ms=number * 100)
    sim.run()
    house.rest()
    return house


def check(home: Path, words: str, sim: Scheduler, runners: int, limit: int = 5 * NANO, slow: float = 2.0) -> SimHouse:
    try:
        house = play(home, sim, runners, limit, slow)
        wrong = house.violations()
    except AssertionError as error:
        raise AssertionError(f"{words}: {error}\n" + "\n".join(sim.log)) from error
    assert not wrong, f"{words}: {wrong}\n" + "\n".join(sim.log)
    return house


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many calls of a port a run without faults makes."""
    sim = Scheduler()
    house = check(tmp_path_factory.mktemp("plain"), "without faults", sim, 1)
    assert house.ledger().lost_nano == 0
    assert house.model.billed <= house.ledger().spent_nano
    return sim.calls


def _plans(calls: int) -> Iterator[Mapping[int, Fault]]:
    for number in range(1, calls + 1):
        for fault in FAULTS:
            yield {number: fault}


def test_every_single_fault(tmp_path: Path, calls: int) -> None:
    happened = 0
    for count, plan in enumerate(_plans(calls)):
        sim = Scheduler(plan=plan)
        check(tmp_path / str(count), f"Scheduler(plan={dict(plan)}), 1 runner", sim, 1)
        happened += len(sim.log)
    assert happened > calls, "most of them could happen"


def test_pairs_of_faults(tmp_path: Path, calls: int) -> None:
    places = list(itertools.combinations(range(1, calls + 20), 2))
    chosen = random.Random(0)
    for count in range(PAIRS):
        first, second = chosen.choice(places)
        plan = {first: chosen.choice(FAULTS), second: chosen.choice(FAULTS)}
        check(tmp_path / str(count), f"Scheduler(plan={plan}), 2 runners", Scheduler(plan=plan), 2)


def test_seeds_with_three_callers_at_once(tmp_path: Path) -> None:
    killed = 0
    for seed in range(SEEDS):
        sim = Scheduler(seed=seed, budget=seed % 9)
        limit, slow = LIMITS[seed % len(LIMITS)], (1.0, 2.0, 20.0, 90.0)[seed // 2 % 4]
        words = f"Scheduler(seed={seed}, budget={seed % 9}), 3 runners, limit {limit}, slow {slow}"
        check(tmp_path / str(seed), words, sim, 3, limit, slow)
        killed += sim.killed
    assert killed > SEEDS // 2


def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    runs = []
    for name in "ab":
        sim = Scheduler(seed=7, budget=8)
        play(tmp_path / name, sim, 3)
        runs.append((sim.calls, sim.at, tuple(sim.log)))
    assert runs[0] == runs[1]


def test_a_gateway_that_forgets_holds_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation can fail: a lost answer that settles at nothing is billed and not counted."""
    from shared.domain.ledger import settle
    from shared.llm import gateway, sweep

    def many() -> None:
        for seed in range(30):
            check(tmp_path / str(seed), f"seed {seed}", Scheduler(seed=seed, budget=6), 3)

    for module in (gateway, sweep):
        monkeypatch.setattr(module, "settle_lost", lambda ledger, hold, part: settle(ledger, hold, 0, part))
    with pytest.raises(AssertionError):
        many()
