"""Bad input ends well: a line that the person sees, nothing lost, nothing held, nothing left open."""

import pytest

from tests.e2e.bad_inputs import approvals, changes, checks, commands, door, meanwhile
from tests.e2e.row import Row
from tests.e2e.whole_product import WholeProduct

ROWS = (
    *door.ROWS,
    *commands.ROWS,
    *checks.ROWS,
    *changes.ROWS,
    *meanwhile.ROWS,
    *approvals.ROWS,
    *approvals.LAST,
)


@pytest.mark.listed("bad input", of=38)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_bad_input(row: Row, product: WholeProduct) -> None:
    row.play(product)
