"""The count of rows can be red."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROWS = """
import pytest

@pytest.mark.parametrize("row", range(3))
@pytest.mark.listed("bad input", of={total})
def test_row(row):
    assert row != {broken}
"""


@pytest.mark.parametrize(
    ("total", "broken", "said", "code"),
    [(3, 9, "3 of 3", 0), (3, 1, "2 of 3", 1), (4, 9, "3 of 4", 1), (2, 9, "3 of 2", 1)],
)
def test_rows_that_passed_are_counted_against_the_list(
    pytester: pytest.Pytester, total: int, broken: int, said: str, code: int
) -> None:
    root = Path(__file__).resolve().parents[2]
    pytester.makeini(f"[pytest]\npythonpath = {root}\nmarkers = listed(name, of): a row\n")
    pytester.makeconftest('pytest_plugins = ["tests.listed"]')
    pytester.makepyfile(test_rows=ROWS.format(total=total, broken=broken))
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines([f"listed: bad input: {said}"])
    assert result.ret == code
