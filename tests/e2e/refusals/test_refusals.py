"""GitHub says no during a run: it still ends proved, or in a line that names the refusal."""

import pytest

from tests.e2e.refusals import access, branches, sizes
from tests.e2e.row import Row
from tests.e2e.whole_product import WholeProduct

ROWS = (*branches.ROWS, *access.ROWS, *sizes.ROWS)


@pytest.mark.listed("GitHub refusals", of=18)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_refusal(row: Row, product: WholeProduct) -> None:
    row.play(product)
