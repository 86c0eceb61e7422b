"""What a repository says of itself: how it is set up, how it is tested. Found in files, with the file as the source.

The order is: the settings' own words, then `.github/workflows/copilot-setup-steps.yml`, a devcontainer's
`postCreateCommand`, lock files and manifests. Nothing found is a normal answer.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.protocol import Setup

VENV = "python -m venv .venv"
PIP = ".venv/bin/python -m pip install -q"
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """A shell line and the file (or words) that it comes from; no line: nothing was found."""

    line: str | None
    source: str


NOTHING = Found(None, "")


class Files:
    """The text files of one commit, read by exact path."""

    def __init__(self, texts: Mapping[str, str], paths: Iterable[str]) -> None:
        self._texts = texts
        self.paths = frozenset(paths)

    def __contains__(self, path: str) -> bool:
        return path in self.paths

    def text(self, path: str) -> str:
        """Empty when there is no such file."""
        return self._texts.get(path, "")

    def toml(self, path: str) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text(path))
        except tomllib.TOMLDecodeError:
            return {}

    def json(self, path: str) -> dict[str, Any]:
        try:
            read = json.loads(self.text(path) or "{}")
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


READ = (
    "Cargo.toml Makefile Pipfile .devcontainer.json .devcontainer/devcontainer.json go.mod package.json pyproject.toml "
    "setup.cfg setup.py pytest.ini tox.ini .github/workflows/copilot-setup-steps.yml .github/workflows/copilot-setup-steps.yaml "
    "requirements.txt AGENTS.md"
).split()


def find_setup(files: Files, named: Setup) -> Found:
    if named.setup:
        return Found(named.setup, named.setup_source or "settings")
    for look in (_copilot_steps, _devcontainer, _python, _others):
        if (found := look(files)).line:
            return found
    return NOTHING


def find_tests(files: Files, named: Setup) -> Found:
    if named.tests:
        return Found(named.tests, named.tests_source or "settings")
    if source := _pytest_source(files):
        python = ".venv/bin/python" if _python(files).line else "python"
        return Found(f"{python} -m pytest -q", source)
    script = files.json("package.json").get("scripts", {})
    if isinstance(script, dict) and "test" in script and "no test specified" not in str(script["test"]):
        return Found("npm test", "package.json")
    if "go.mod" in files:
        return Found("go test ./...", "go.mod")
    if "Cargo.toml" in files:
        return Found("cargo test", "Cargo.toml")
    if re.search(r"^test\s*:(?!=)", files.text("Makefile"), re.MULTILINE):
        return Found("make test", "Makefile")
    return NOTHING


# --- set-up -----------------------------------------------------------------------------------------------


def _copilot_steps(files: Files) -> Found:
    """The `run:` steps, in order, as one line. Steps that `use` an action are not run: the image has the tools."""
    for name in ("copilot-setup-steps.yml", "copilot-setup-steps.yaml"):
        path = f".github/workflows/{name}"
        steps = run_steps(files.text(path))
        if steps:
            return Found("set -e\n" + "\n".join(steps), path)
    return NOTHING


def run_steps(workflow: str) -> list[str]:
    """The shell text of each `run:` in a workflow. Understands a plain or quoted scalar on the line, and `|` and `>`
    blocks (with `-` and `+`); an expression `${{ … }}` cannot be known here, so a step with one is left out."""
    lines = workflow.splitlines()
    steps = []
    for number, line in enumerate(lines):
        match = re.match(r"(\s*(?:-\s+)?)run:\s*(.*)$", line)
        if not match:
            continue
        indent, value = len(match[1]), match[2].strip()
        text = (
            _block(lines[number + 1 :], indent, folded=value[0] == ">") if value[:1] in ("|", ">") else _scalar(value)
        )
        if text and "${{" not in text:
            steps.append(text)
    return steps


def _block(lines: list[str], indent: int, *, folded: bool) -> str:
    taken: list[str] = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent - 1:
            break
        if (
            line.strip()
            and len(line) - len(line.lstrip()) == indent
            and re.match(r"\s*[\w-]+:(?:\s|$)", line)
            and not taken
        ):
            break
        if line.strip() and taken and len(line) - len(line.lstrip()) < len(taken[0]) - len(taken[0].lstrip()):
            break
        taken.append(line)
    width = min((len(line) - len(line.lstrip()) for line in taken if line.strip()), default=0)
    text = [line[width:] for line in taken]
    return (" " if folded else "\n").join(text).strip()


def _scalar(value: str) -> str:
    if value[:1] in "\"'" and value[-1:] == value[:1] and len(value) > 1:
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)


def _devcontainer(files: Files) -> Found:
    """`postCreateCommand` as a string or a list of words; JSON with whole-line comments, as editors write it."""
    for path in (".devcontainer/devcontainer.json", ".devcontainer.json"):
        bare = re.sub(r"^\s*//.*$", "", files.text(path), flags=re.MULTILINE)
        bare = re.sub(r",(\s*[}\]])", r"\1", bare)
        try:
            command = json.loads(bare or "{}").get("postCreateCommand")
        except (ValueError, AttributeError):
            continue
        if isinstance(command, str) and command.strip():
            return Found(command.strip(), path)
        if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
            return Found(" ".join(_quoted(word) for word in command), path)
    return NOTHING


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def _python(files: Files) -> Found:
    """Python: the lock file's own tool where there is one, else pip on what the project declares."""
    if "uv.lock" in files:
        sync = "UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --frozen --inexact --all-extras --no-python-downloads"
        return Found(f"{VENV} && {PIP} uv && {sync} && {PIP} pytest", "uv.lock")
    if "poetry.lock" in files:
        install = "VIRTUAL_ENV=$PWD/.venv .venv/bin/poetry install --no-interaction --all-extras"
        return Found(f"{VENV} && {PIP} poetry && {install} && {PIP} pytest", "poetry.lock")
    if "Pipfile" in files:
        install = "VIRTUAL_ENV=$PWD/.venv .venv/bin/pipenv install --dev"
        return Found(f"{VENV} && {PIP} pipenv && {install} && {PIP} pytest", "Pipfile")
    wanted = [f"-r {path}" for path in sorted(files.paths) if _is_requirements(path)]
    project = files.toml("pyproject.toml")
    source = next((each for each in ("pyproject.toml", "setup.py", "setup.cfg") if each in files), "")
    if (
        "setup.py" in files
        or "project" in project
        or "build-system" in project
        or "[metadata]" in files.text("setup.cfg")
    ):
        wanted.insert(0, f"-e '.{_extras(files, project)}'")
        wanted += _groups(project)
    elif not wanted and not _pytest_source(files):
        return NOTHING
    source = (
        source or next((path for path in sorted(files.paths) if _is_requirements(path)), "") or _pytest_source(files)
    )
    return Found(f"{VENV} && {PIP} -U pip && {PIP} {' '.join([*wanted, 'pytest'])}", source)


def _is_requirements(path: str) -> bool:
    return bool(
        re.fullmatch(
            r"(?:requirements/)?(?:requirements|(?:requirements[-_.])?(?:dev|test|tests|testing|ci)(?:[-_.]requirements)?)\.txt",
            path,
        )
    )


def _extras(files: Files, project: dict[str, Any]) -> str:
    """`[test,…]` of the extras that are named like ones for tests."""
    declared = set(project.get("project", {}).get("optional-dependencies", {}))
    declared |= set(
        re.findall(r"^(\w+)\s*=\s*$", _section(files.text("setup.cfg"), "options.extras_require"), re.MULTILINE)
    )
    declared |= set(re.findall(r"""["'](\w+)["']\s*:\s*\[""", files.text("setup.py")))
    wanted = [name for name in ("dev", "test", "tests", "testing") if name in declared]
    return f"[{','.join(wanted)}]" if wanted else ""


def _groups(project: dict[str, Any]) -> list[str]:
    """Dependency groups for tests (PEP 735); pip knows them since 25.1."""
    declared = project.get("dependency-groups", {})
    return [f"--group {name}" for name in ("dev", "test", "tests") if name in declared]


def _section(text: str, name: str) -> str:
    match = re.search(rf"^\[{re.escape(name)}\]$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def _others(files: Files) -> Found:
    if "package-lock.json" in files:
        return Found("npm ci", "package-lock.json")
    if "package.json" in files:
        return Found("npm install --no-save", "package.json")
    if "go.mod" in files:
        return Found("go mod download", "go.mod")
    if "Cargo.toml" in files:
        return Found("cargo fetch", "Cargo.toml")
    return NOTHING


# --- tests ------------------------------------------------------------------------------------------------


def _pytest_source(files: Files) -> str:
    """Where it says that pytest runs the tests: its settings, else files named like tests."""
    if "pytest.ini" in files:
        return "pytest.ini"
    if "pytest" in files.toml("pyproject.toml").get("tool", {}):
        return "pyproject.toml"
    for path, section in (("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]")):
        if section in files.text(path):
            return path
    tests = sorted(
        path for path in files.paths if re.fullmatch(r"(?:.*/)?(?:test_[^/]*|[^/]*_test|conftest)\.py", path)
    )
    if not tests:
        return ""
    return tests[0].split("/")[0] + "/" if "/" in tests[0] else tests[0]
