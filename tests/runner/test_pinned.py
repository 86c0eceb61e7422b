"""Which changed files are taken back to the base's versions before a check is believed."""

from pathlib import Path

import pytest

from runner_image.git import Git
from runner_image.orders import Orders
from runner_image.pinned import find_pins
from runner_image.workspace import clone
from shared.domain.protocol import CheckToRun, Clone, CriterionToRun
from tests.runner.conftest import GIT, Repo

BASE = {
    "n.py": "",
    "tests/test_n.py": "base",
    "conftest.py": "base",
    "pyproject.toml": "[project]\nname = 'n'\n[tool.pytest.ini_options]\naddopts = '-q'\n",
}
KEEP = CriterionToRun(id="AC-1", kind="keep", text="", check=CheckToRun(run="pytest"))


@pytest.mark.parametrize(
    ("change", "pinned"),
    [
        ({"n.py": "x", "docs/x.md": "x"}, {}),
        ({"tests/test_n.py": "easier"}, {"tests/test_n.py": b"base"}),
        ({"tests/test_n.py": None}, {"tests/test_n.py": b"base"}),
        ({"conftest.py": "cheat"}, {"conftest.py": b"base"}),
        ({"tests/conftest.py": "new"}, {"tests/conftest.py": None}),
        ({"pytest.ini": "new"}, {"pytest.ini": None}),
        ({"tox.ini": "new", "setup.cfg": "new"}, {"tox.ini": None, "setup.cfg": None}),
        ({"sitecustomize.py": "new"}, {"sitecustomize.py": None}),
        ({"pyproject.toml": BASE["pyproject.toml"] + "\n[tool.ruff]\nline-length = 9\n"}, {}),
        (
            {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--deselect x'\n"},
            {"pyproject.toml": BASE["pyproject.toml"].encode()},
        ),
        ({"pyproject.toml": "not toml ["}, {"pyproject.toml": BASE["pyproject.toml"].encode()}),
        ({"pyproject.toml": None}, {"pyproject.toml": BASE["pyproject.toml"].encode()}),
        ({"tests/test_more.py": "new"}, {"tests/test_more.py": None}),
        ({"tests/n.py": "what is imported in its place"}, {"tests/n.py": None}),
        ({"tests/__init__.py": "import _pytest"}, {"tests/__init__.py": None}),
        ({"pytest.py": "x", "_pytest/junitxml.py": "x"}, {"pytest.py": None, "_pytest/junitxml.py": None}),
        ({"Makefile": "check:\n\ttrue\n", "package.json": "{}", "run.sh": "true"}, {}),
        ({"tests/test_more.py": "new", "conftest.py": "x"}, {"conftest.py": b"base", "tests/test_more.py": None}),
    ],
)
def test_what_is_pinned_for_a_keep_criterion(
    repo: Repo, tmp_path: Path, change: dict[str, str | None], pinned: dict[str, bytes | None]
) -> None:
    base, head = repo.commit(dict(BASE)), repo.commit(change)
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    pins = find_pins(git, base, head)
    assert {each.shown: each.data if each.mode else None for each in pins.changes_for(KEEP)} == pinned


def test_new_tests_stay_for_a_new_criterion_and_the_agents_own_are_never_pinned(repo: Repo, tmp_path: Path) -> None:
    base = repo.commit(dict(BASE))
    head = repo.commit({"tests/test_more.py": "new", "tests/test_n.py": "mine", "conftest.py": "x"})
    git: Git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    pins = find_pins(git, base, head)
    check = CheckToRun(origin="agent", run="pytest", files=("tests/test_n.py", "tests/test_more.py"))
    own = CriterionToRun(id="AC-1", kind="new", text="", check=check)
    assert [each.shown for each in pins.changes_for(own)] == ["conftest.py"]
    assert "conftest.py" in pins.finding_for(own)
    assert "tests/test_n.py" not in pins.finding_for(own)


@pytest.mark.parametrize(
    ("line", "taken_back"),
    [
        ("make check", ["Makefile"]),
        ("cd . && make -s check", ["Makefile"]),
        ("npm test", ["package.json"]),
        ("./ci/run.sh --fast", ["ci/run.sh"]),
        ("bash ci/run.sh;", ["ci/run.sh"]),
        ("python n.py make-up", []),
    ],
)
def test_what_a_keep_checks_line_leads_to_is_taken_back(
    repo: Repo, tmp_path: Path, line: str, taken_back: list[str]
) -> None:
    tasks = ("Makefile", "package.json", "ci/run.sh", "n.py")
    base, head = repo.commit(dict.fromkeys(tasks, "base")), repo.commit(dict.fromkeys(tasks, "easier"))
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    pins = find_pins(git, base, head)
    keep = CriterionToRun(id="AC-1", kind="keep", text="", check=CheckToRun(run=line))
    assert [(each.shown, each.data) for each in pins.changes_for(keep)] == [(path, b"base") for path in taken_back]
    assert all(path in pins.finding_for(keep) for path in taken_back)
    new = CriterionToRun(id="AC-2", kind="new", text="", check=CheckToRun(run=line))
    assert pins.changes_for(new) == ()


def test_a_repository_that_is_pytest_itself_may_change_itself(repo: Repo, tmp_path: Path) -> None:
    base, head = repo.commit({"src/_pytest/runner.py": "1"}), repo.commit({"src/_pytest/runner.py": "2"})
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    assert find_pins(git, base, head).changes_for(KEEP) == ()


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("import os\nos._exit(0)\n", "os._exit"),
        ("import sys\nsys.modules['_pytest.runner']\n", "_pytest"),
        ("print('PYTEST_ADDOPTS')\n", "PYTEST_ADDOPTS"),
        ("sys.exit(0)\n", ""),
    ],
)
def test_code_that_names_its_judge_is_pointed_at(repo: Repo, tmp_path: Path, source: str, word: str) -> None:
    base, head = repo.commit(dict(BASE)), repo.commit({"n.py": source, "tests/test_more.py": "import pytest"})
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    warning = find_pins(git, base, head).warning
    assert (f"n.py: {word})" in warning) if word else warning == ""


def test_code_that_named_it_before_is_not(repo: Repo, tmp_path: Path) -> None:
    base, head = repo.commit({"n.py": "import os\nos._exit(1)\n"}), repo.commit({"n.py": "import os\nos._exit(0)\n"})
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    assert find_pins(git, base, head).warning == ""
