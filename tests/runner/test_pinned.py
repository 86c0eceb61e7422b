"""Which changed files are taken back to the base's versions before a check is believed."""

from pathlib import Path

import pytest

from runner_image.git import Git
from runner_image.judge import NOT_RUN_BEFORE, Before
from runner_image.orders import Orders
from runner_image.pinned import Pins, find_pins
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


def pins_of(repo: Repo, tmp_path: Path, before: dict[str, str], change: dict[str, str | None], **more: object) -> Pins:
    base, head = repo.commit(dict(before)), repo.commit(change)
    git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    return find_pins(git, base, head, **more)  # type: ignore[arg-type]


def taken_back(pins: Pins, line: str, kind: str = "new", before: Before = NOT_RUN_BEFORE, **check: object) -> list[str]:
    criterion = CriterionToRun.model_validate({"id": "AC-1", "kind": kind, "text": "", "check": {"run": line, **check}})
    return [each.shown for each in pins.changes_for(criterion, before)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/tests.py", "from django.test import TestCase\n"),
        ("tests.py", "import unittest\n"),
        ("test.py", "import pytest\n"),
        ("shop_tests.py", ""),
        ("Tests/helper.py", ""),
        ("app/ShopTest.java", ""),
        ("ShopKit/ShopTests.swift", ""),
        ("engine/shop_unittest.cc", ""),
    ],
)
def test_a_test_is_known_by_other_names_as_well(repo: Repo, tmp_path: Path, path: str, text: str) -> None:
    pins = pins_of(repo, tmp_path, {path: text}, {path: text + "easier"})
    assert taken_back(pins, "make check") == [path]


@pytest.mark.parametrize("path", ["src/template/tests.py", "tool/commands/test.py", "shop/attestation.py"])
def test_code_that_is_only_named_like_a_test_is_not_taken_back(repo: Repo, tmp_path: Path, path: str) -> None:
    pins = pins_of(repo, tmp_path, {path: "def test_odd(value): ..."}, {path: "def test_even(value): ..."})
    assert taken_back(pins, "pytest") == []


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("checks/check_shop.py", "checks.check_shop::test_total"),
        ("checks/check_shop.py", "checks.check_shop.TestShop.TestInner::test_total[1.5]"),
        ("sub/checks/check_shop.py", "checks.check_shop::test_total"),
        ("spec_of_shop.py", "spec_of_shop::test_total"),
    ],
)
def test_where_tests_stood_at_base_is_a_file_of_tests(repo: Repo, tmp_path: Path, path: str, test: str) -> None:
    pins = pins_of(repo, tmp_path, {path: "def test_total(): assert 0", "shop.py": ""}, {path: "x", "shop.py": "x"})
    before = Before(failed=frozenset({test, "shop::shop.total"}))
    assert taken_back(pins, "pytest", before=before) == [path]
    assert taken_back(pins, "pytest", before=before, origin="agent", files=[path]) == []
    check = CheckToRun(run="pytest")
    assert path in pins.finding_for(CriterionToRun(id="AC-1", kind="new", text="", check=check), before)


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("spectrum/__init__.py", "spectrum.__init__::spectrum"),  # the doctest of a package's own text
        ("inspecting.py", "inspecting::inspecting"),
        ("shop/checkout.py", "shop.checkout::mypy"),  # an item of a plugin that looks at each file
    ],
)
def test_a_program_that_is_looked_at_is_no_file_of_tests(repo: Repo, tmp_path: Path, path: str, test: str) -> None:
    pins = pins_of(repo, tmp_path, {path: "def total(): return 1\n"}, {path: "def total(): return 2\n"})
    before = Before(failed=frozenset({test}))
    assert taken_back(pins, "pytest", before=before) == []
    criterion = CriterionToRun(id="AC-1", kind="new", text="", check=CheckToRun(run="pytest"))
    assert pins.finding_for(criterion, before) == ""


def test_tests_that_a_file_gets_from_elsewhere_stand_in_it(repo: Repo, tmp_path: Path) -> None:
    texts = {"checks/a_check.py": "class TestA(Common): ...\n", "checks/b_check.py": "test_total = made(1)\n"}
    pins = pins_of(repo, tmp_path, texts, dict.fromkeys(texts, "x"))
    before = Before(failed=frozenset({"checks.a_check.TestA::test_total", "checks.b_check::test_total"}))
    assert taken_back(pins, "pytest", before=before) == sorted(texts)


def test_a_program_with_its_tests_inside_is_not_taken_back_but_pointed_at(repo: Repo, tmp_path: Path) -> None:
    pins = pins_of(repo, tmp_path, {"shop.py": "def test_total(): assert 0"}, {"shop.py": "def test_total(): pass"})
    before = Before(failed=frozenset({"shop::test_total"}))
    assert taken_back(pins, "pytest shop.py", before=before) == []
    criterion = CriterionToRun(id="AC-1", kind="new", text="", check=CheckToRun(run="pytest shop.py"))
    assert "shop.py" in pins.finding_for(criterion, before)


@pytest.mark.parametrize(
    ("line", "change", "expected"),
    [
        ("python -m pytest", {"pytest_cov/plugin.py": "x"}, ["pytest_cov/plugin.py"]),
        ("python -m pytest", {"src/pytest_cov.py": "x"}, ["src/pytest_cov.py"]),
        ("python -m unittest", {"unittest/__main__.py": "x"}, ["unittest/__main__.py"]),
        ("python3 -B -m mypy shop", {"mypy.py": "raise SystemExit(0)"}, ["mypy.py"]),
        ("python -m shop", {"shop/__main__.py": "x"}, []),
        ("python -m doctest shop/cart.py", {"doctest.py": "x"}, ["doctest.py"]),
    ],
)
def test_no_module_of_the_change_is_taken_for_the_program_that_judges(
    repo: Repo, tmp_path: Path, line: str, change: dict[str, str | None], expected: list[str]
) -> None:
    pins = pins_of(repo, tmp_path, {"shop/cart.py": ""}, change, modules=frozenset({b"pytest_cov", b"_pytest"}))
    assert taken_back(pins, line, "keep") == expected
    assert taken_back(pins, line) == [path for path in expected if path != "mypy.py"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tests/shop.py": "x"}, ["tests/shop.py"]),
        ({"tests/store/cart.py": "x"}, ["tests/store/cart.py"]),
        ({"tests/store/__init__.py": ""}, []),
        ({"tests/store/__init__.py": "x = 1"}, ["tests/store/__init__.py"]),
        ({"tests/store/test_cart.py": "x", "tests/data/README.md": ""}, []),
        ({"tests/unit/shop.py": "x", "tests/unit/__init__.py": ""}, []),
    ],
)
def test_a_new_module_beside_the_tests_does_not_stand_in_for_the_program(
    repo: Repo, tmp_path: Path, change: dict[str, str | None], expected: list[str]
) -> None:
    before = {
        "shop.py": "",
        "src/store/__init__.py": "",
        "src/store/cart.py": "",
        "tests/test_shop.py": "",
        "README.md": "",
    }
    pins = pins_of(repo, tmp_path, before, change)
    assert taken_back(pins, "pytest tests/test_shop.py") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("go test ./...", True),
        ("python -m unittest discover", True),
        ("python manage.py test shop", True),
        ("bundle exec rspec", True),
        ("cargo build", False),
        ("go vet ./...", False),
    ],
)
def test_new_tests_that_run_among_the_old_ones_are_laid_aside(
    repo: Repo, tmp_path: Path, line: str, expected: bool
) -> None:
    pins = pins_of(repo, tmp_path, {"n.go": ""}, {"zz_test.go": "func TestMain(m *testing.M) { os.Exit(0) }"})
    assert taken_back(pins, line, "keep") == (["zz_test.go"] if expected else [])
    assert taken_back(pins, line) == []


RUFF = "[project]\nname = 'n'\n[tool.ruff]\nline-length = 9\n"


@pytest.mark.parametrize(
    ("line", "change", "expected"),
    [
        ("ruff check .", {"ruff.toml": "exclude = ['*']"}, ["ruff.toml"]),
        ("bash -lc 'cd sub && ruff check .'", {"ruff.toml": "x", "mypy.ini": "x"}, ["ruff.toml"]),
        (".venv/bin/python -m ruff check .", {"sub/.ruff.toml": "x"}, ["sub/.ruff.toml"]),
        ("ruff check .", {"pyproject.toml": RUFF + "exclude = ['*']"}, ["pyproject.toml"]),
        ("ruff check .", {"pyproject.toml": RUFF + "[tool.mypy]\nstrict = false"}, []),
        ("mypy shop", {"pyproject.toml": RUFF + "[tool.mypy]\nignore_errors = true"}, ["pyproject.toml"]),
        ("mypy shop", {"mypy.ini": "x", "ruff.toml": "x"}, ["mypy.ini"]),
        ("flake8", {".flake8": "x"}, [".flake8"]),
        ("npx eslint .", {"eslint.config.js": "x", ".eslintrc.json": "x"}, [".eslintrc.json", "eslint.config.js"]),
        ("tsc --noEmit", {"tsconfig.json": "x"}, ["tsconfig.json"]),
        ("golangci-lint run", {".golangci.yml": "x"}, [".golangci.yml"]),
        ("cargo clippy", {"clippy.toml": "x"}, ["clippy.toml"]),
        (
            "hatch run lint",
            {"pyproject.toml": RUFF + "[tool.hatch.envs.default.scripts]\nlint = 'true'"},
            ["pyproject.toml"],
        ),
        ("uv run poe lint", {"pyproject.toml": RUFF + "[tool.poe.tasks]\nlint = 'true'"}, ["pyproject.toml"]),
        ("invoke lint", {"tasks.py": "x"}, ["tasks.py"]),
        ("coverage report --fail-under 90", {".coveragerc": "x"}, [".coveragerc"]),
        ("make lint", {"rules.mk": "x", "ruff.toml": "x"}, ["ruff.toml", "rules.mk"]),
        ("make lint", {"pyproject.toml": RUFF + "[tool.mypy]\nignore_errors = true"}, ["pyproject.toml"]),
    ],
)
def test_what_a_tool_passes_over_is_for_the_base_to_say(
    repo: Repo, tmp_path: Path, line: str, change: dict[str, str | None], expected: list[str]
) -> None:
    pins = pins_of(repo, tmp_path, {"n.py": "", "pyproject.toml": RUFF}, change)
    assert taken_back(pins, line, "keep") == expected
    assert taken_back(pins, line) == []
