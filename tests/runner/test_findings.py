"""How set-up and tests are found, each with its source."""

import pytest

from runner_image.findings import Files, find_setup, find_tests, run_steps
from shared.domain.protocol import Setup

VENV = "python -m venv .venv && .venv/bin/python -m pip install -q"


def files(**texts: str) -> Files:
    """Keys: `__` for a slash, `_dot_` for a dot."""
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in texts.items()}
    return Files(named, named)


COPILOT = """
jobs:
  copilot-setup-steps:
    steps:
      - uses: actions/checkout@v5
      - name: one
        run: pip install -e .  # here
      - run: |
          echo a
            echo b

          echo c
      - name: secret
        run: echo ${{ secrets.X }}
        env:
          A: b
      - run: "make deps"
      - run: >-
          echo d
          e
        shell: bash
      - uses: x/y@v1
"""
DEVCONTAINER = '{\n  // tools\n  "image": "x",\n  "postCreateCommand": "make install",\n}'


def test_run_steps_of_a_workflow() -> None:
    assert run_steps(COPILOT) == ["pip install -e .", "echo a\n  echo b\n\necho c", "make deps", "echo d e"]


@pytest.mark.parametrize(
    ("given", "line", "source"),
    [
        ({}, None, ""),
        ({"README.md": "x"}, None, ""),
        (
            {"_dot_github__workflows__copilot-setup-steps_dot_yml": COPILOT, "uv_dot_lock": ""},
            "set -e\npip install -e .\necho a",
            ".github/workflows/copilot-setup-steps.yml",
        ),
        (
            {"_dot_devcontainer__devcontainer_dot_json": DEVCONTAINER, "setup_dot_py": ""},
            "make install",
            ".devcontainer/devcontainer.json",
        ),
        (
            {"_dot_devcontainer_dot_json": '{"postCreateCommand": ["npm", "ci", "a b"]}'},
            "npm ci 'a b'",
            ".devcontainer.json",
        ),
        ({"_dot_devcontainer_dot_json": "not json", "go_dot_mod": ""}, "go mod download", "go.mod"),
        ({"uv_dot_lock": "", "pyproject_dot_toml": ""}, "uv sync --frozen", "uv.lock"),
        ({"poetry_dot_lock": ""}, "poetry install", "poetry.lock"),
        ({"Pipfile": ""}, "pipenv install --dev", "Pipfile"),
        ({"setup_dot_py": "extras_require = {'tests': ['x'], 'doc': []}"}, "-e '.[tests]' pytest", "setup.py"),
        (
            {
                "pyproject_dot_toml": "[project]\nname='n'\n[project.optional-dependencies]\ntest=[]\nfast=[]\n[dependency-groups]\ndev=[]"
            },
            "-e '.[test]' --group dev pytest",
            "pyproject.toml",
        ),
        ({"pyproject_dot_toml": "[tool.ruff]\n"}, None, ""),
        (
            {"requirements_dot_txt": "", "requirements-dev_dot_txt": "", "docs__requirements_dot_txt": ""},
            "-r requirements-dev.txt -r requirements.txt pytest",
            "requirements-dev.txt",
        ),
        ({"tests__test_a_dot_py": ""}, f"{VENV} -U pip && .venv/bin/python -m pip install -q pytest", "tests/"),
        ({"package-lock_dot_json": "", "package_dot_json": ""}, "npm ci", "package-lock.json"),
        ({"Cargo_dot_toml": ""}, "cargo fetch", "Cargo.toml"),
    ],
)
def test_setup_is_found_with_its_source(given: dict[str, str], line: str | None, source: str) -> None:
    found = find_setup(files(**given), Setup())
    assert found.source == source
    assert (found.line is None) is (line is None)
    assert line is None or line in (found.line or "")


def test_the_settings_come_first() -> None:
    found = find_setup(files(uv_dot_lock=""), Setup(setup="make", setup_source=".github/persevere.yml"))
    assert (found.line, found.source) == ("make", ".github/persevere.yml")
    assert find_tests(files(), Setup(tests="make check")).line == "make check"


@pytest.mark.parametrize(
    ("given", "line", "source"),
    [
        ({}, None, ""),
        ({"pytest_dot_ini": ""}, ".venv/bin/python -m pytest -q", "pytest.ini"),
        ({"pyproject_dot_toml": "[tool.pytest.ini_options]\n"}, ".venv/bin/python -m pytest -q", "pyproject.toml"),
        ({"setup_dot_cfg": "[tool:pytest]\n"}, ".venv/bin/python -m pytest -q", "setup.cfg"),
        ({"x__test_a_dot_py": ""}, ".venv/bin/python -m pytest -q", "x/"),
        ({"package_dot_json": '{"scripts": {"test": "node --test"}}'}, "npm test", "package.json"),
        ({"package_dot_json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, None, ""),
        ({"package_dot_json": "[]", "go_dot_mod": ""}, "go test ./...", "go.mod"),
        ({"Cargo_dot_toml": ""}, "cargo test", "Cargo.toml"),
        ({"Makefile": "all:\n\ntest: all\n\tx\n"}, "make test", "Makefile"),
        ({"Makefile": "test := x\n"}, None, ""),
    ],
)
def test_tests_are_found_with_their_source(given: dict[str, str], line: str | None, source: str) -> None:
    found = find_tests(files(**given), Setup())
    assert (found.line, found.source) == (line, source)
