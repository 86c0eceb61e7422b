"""Which tests stay together when several processes share a run, and which of them begin it.

A file's tests stay together, since they share what the file sets up. What takes long begins, so that no process is left
alone with it at the end.
"""

import pytest

SLOWEST_FIRST = ("e2e", "simulation", "runner", "functions", "contract", "unit")


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.as_posix()))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Of the folder below `tests`. The sort is stable: a folder's own order stays."""
    folders = item.path.relative_to(item.session.config.rootpath / "tests").parts
    return SLOWEST_FIRST.index(folders[0]) if folders[0] in SLOWEST_FIRST else len(SLOWEST_FIRST)
