"""Only for `make test-cloud`, which makes what is needed and says so by PERSEVERE_TEST_CLOUD."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.deployment import CDK
from tests.cloud.product import Product, product
from tests.e2e.stories import REPAIRS, bash, build, spec
from tests.emulator import CREDENTIALS, PROGRAM

UNHURRIED = (spec(), build(bash("echo looked around")), build(bash("sleep 8")), *REPAIRS)
"""The second step is long enough to be killed in."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if os.environ.get("PERSEVERE_TEST_CLOUD") != "1" or not CDK.exists() or not PROGRAM.exists():
        pytest.skip("deploys the stack to the AWS emulator: call `make test-cloud`")
    os.environ.update(CREDENTIALS)
    home = Path(tmp_path_factory.mktemp("cloud"))
    with product(home, UNHURRIED) as made:
        yield made
