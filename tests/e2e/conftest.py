"""One whole product for all tables of stories; after them, no secret of it may be anywhere that it must not be.

It ends with the last test of this directory, not with the run: its threads, its keys in the environment and its world are
this process's, and no other test is to meet them.
"""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.e2e.row", "tests.e2e.place")

from tests.e2e.whole_product import WholeProduct, whole_product  # noqa: E402 - rewritten modules come first


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeProduct]:
    with whole_product(tmp_path_factory.mktemp("product")) as running:
        yield running
        assert running.leaks() == []
