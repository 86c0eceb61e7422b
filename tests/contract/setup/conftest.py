"""A simulator for the run, emptied for each test."""

from collections.abc import Iterator

import pytest

from local.github import Simulator, start
from tests.contract.setup.laptop import Laptop


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    running = start(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


@pytest.fixture
def laptop(simulator: Simulator, tmp_path) -> Laptop:
    return Laptop(simulator.url, tmp_path)
