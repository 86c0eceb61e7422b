"""Our client against the simulator, with a clock that moves GitHub's along."""

from collections.abc import Iterator

import pytest

from local.github import Simulator, start
from tests.contract.github_client.stage import Stage


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    running = start(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


@pytest.fixture
def stage(simulator: Simulator) -> Stage:
    return Stage(simulator.url)
