"""A simulator for the whole run, emptied for each test, with people, a repository and an installed App."""

from collections.abc import Iterator

import pytest

from local.github import Simulator, start
from tests.contract.github_simulator.stage import Hook, Stage


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    running = start(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def hook() -> Iterator[Hook]:
    listening = Hook()
    yield listening
    listening.stop()


@pytest.fixture
def stage(simulator: Simulator, hook: Hook) -> Iterator[Stage]:
    made = Stage(simulator.url, hook)
    yield made
    made.close()
