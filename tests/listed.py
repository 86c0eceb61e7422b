"""Counts rows of lists that must be met whole, and says so below the tests.

    @pytest.mark.listed("bad input", of=31)

marks each test that is one row. The summary prints `listed: bad input: 31 of 31`. A row that failed or was not run
does not count, and a whole run in which rows are missing fails. Rows are counted from the reports, which reach the
process that began the run whichever process ran the test.
"""

from collections.abc import Generator
from typing import Any

import pytest

ROW = "listed"
_PASSED = pytest.StashKey[dict[str, set[str]]]()
_TOTAL = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_PASSED] = {}
    config.stash[_TOTAL] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    totals: dict[str, int] = {}
    for item in items:
        for marker in item.iter_markers("listed"):
            (name,), total = marker.args, marker.kwargs["of"]
            if totals.setdefault(name, total) != total:
                raise pytest.UsageError(f"{item.nodeid}: the list {name!r} has two totals")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call":
        for marker in item.iter_markers("listed"):
            report.user_properties.append((ROW, [marker.args[0], marker.kwargs["of"]]))
    return report


class Counter:
    """What the process that began the run knows of the rows."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows: list[Any] = [value for key, value in report.user_properties if key == ROW]
        for name, total in rows:
            self.config.stash[_TOTAL][name] = total
            if report.when == "call" and report.passed:
                self.config.stash[_PASSED].setdefault(name, set()).add(report.nodeid)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Counter(session.config))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    whole_run = config.args_source != pytest.Config.ArgsSource.ARGS and not config.option.keyword
    if whole_run and not config.option.collectonly and exitstatus == pytest.ExitCode.OK:
        passed, totals = config.stash[_PASSED], config.stash[_TOTAL]
        if any(len(passed.get(name, ())) != total for name, total in totals.items()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for name, total in sorted(config.stash[_TOTAL].items()):
        terminalreporter.write_line(f"listed: {name}: {len(config.stash[_PASSED].get(name, ()))} of {total}")
