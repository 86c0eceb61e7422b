"""A hostile repository and a model that obeys it get nothing: no effect beside our branch, no secret, no word unsaid."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.hostile.attacks import ROWS
from tests.e2e.row import Row
from tests.e2e.whole_product import WholeProduct
from tests.runner.conftest import packages

__all__ = ["packages"]

pytestmark = pytest.mark.skipif(
    not (shutil.which("bwrap") or os.environ.get("CI") == "true"), reason="bubblewrap is not installed here"
)


@pytest.mark.listed("hostile repositories", of=12)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_hostile_repository(row: Row, product: WholeProduct, packages: Path) -> None:
    product.give_runners("PIP_FIND_LINKS", str(packages))
    row.play(product)


def test_no_secret_got_anywhere(product: WholeProduct) -> None:
    assert product.leaks() == []


@pytest.mark.parametrize("where", ["blobs/x", "tasks/x/log", "host.log", "tasks/x/tmp/tree/greet.py"])
def test_a_secret_in_a_file_would_be_found(product: WholeProduct, where: str) -> None:
    path = product.home / where
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    for secret, name in list(product.watch.canaries.names.items())[:3]:
        path.write_bytes((before or b"") + b"x" + secret.hex().encode())
        try:
            assert f"{name} (hex) in {where}" in product.leaks()
        finally:
            path.unlink() if before is None else path.write_bytes(before)


def test_a_secret_that_is_said_would_be_found(product: WholeProduct) -> None:
    secret, name = next(iter(product.watch.canaries.names.items()))
    for said in (product.watch.requests, product.watch.sent):
        entry = secret[::-1] if said is product.watch.requests else ("POST /comments", secret[::-1])
        said.append(entry)  # type: ignore[arg-type]
        assert any(each.startswith(f"{name} (plain, reversed)") for each in product.leaks())
        said.pop()
