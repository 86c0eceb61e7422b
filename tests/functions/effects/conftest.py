"""The engine against the simulator."""

from collections.abc import Iterator

import pytest

from local.github import Simulator, start
from tests.functions.effects.bench import Bench


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    running = start(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


@pytest.fixture
def bench(simulator: Simulator) -> Bench:
    return Bench(simulator.url)
