"""What somebody reads who has nothing yet: the list of `make`, and what bin/setup says where it cannot go on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 80

OLD = 'case "$2" in *print*) echo 3.8.1 ;; *) exit 1 ;; esac'
NO_VENV = 'case "$1$2" in -mvenv) exit 1 ;; *executable*) echo "$0" ;; *print*) echo 3.12.1 ;; *) : ;; esac'
NO_INDEX = """
case "$1$2" in
    -mvenv) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    -mpip) [ "$3" = --version ] || { echo "ERROR: No matching distribution found for uv" >&2; exit 1; } ;;
    *executable*) echo "$0" ;;
    *print*) echo 3.12.1 ;;
    *) : ;;
esac
"""
NO_PACKAGES = """
case "$1$2" in
    -mvenv) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    -mpip) [ "$3" = --version ] || { printf '#!/bin/sh\\nexit 2\\n' >.venv/bin/uv; chmod +x .venv/bin/uv; } ;;
    *executable*) echo "$0" ;;
    *print*) echo 3.12.1 ;;
    *) : ;;
esac
"""


def test_the_list_of_make_fits() -> None:
    said = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len([line for line in said if line.startswith("  make ")]) > 10
    assert [line for line in said if len(line) > COLUMNS] == []


@pytest.mark.parametrize(
    ("python", "words", "next_line"),
    [
        (None, "This does not run as a Python interpreter", "make setup PYTHON=/path/to/python3.12"),
        (OLD, "Python 3.8.1 is too old", "make setup PYTHON=/path/to/python3.12"),
        (NO_VENV, "Python 3.12.1 cannot make a virtual environment", "apt-get install python3-venv"),
        (NO_INDEX, "uv could not be installed", "again:  make setup"),
        (NO_PACKAGES, "The packages could not be installed", "again:  make setup"),
    ],
    ids=["no-interpreter", "old", "no-venv", "no-index", "no-packages"],
)
def test_what_set_up_lacks_is_said_with_the_next_step(
    python: str | None, words: str, next_line: str, tmp_path: Path
) -> None:
    tree_of_its_own(tmp_path, python)
    ran = set_up(tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert f"FAIL  {words}" in ran.stderr
    assert next_line in ran.stderr
    assert [line for line in ran.stderr.splitlines() if len(line) > COLUMNS] == []
    assert not (tmp_path / ".venv" / ".made-from").exists(), "the next set-up begins anew"


def test_what_is_left_of_a_set_up_that_was_stopped_is_made_anew(tmp_path: Path) -> None:
    tree_of_its_own(tmp_path, NO_INDEX)
    left = tmp_path / ".venv" / "bin" / "python"
    left.parent.mkdir(parents=True)
    left.write_text('#!/bin/sh\ncase "$1$2" in -mpip) exit 1 ;; *) echo 3.12.1 ;; esac\n')
    left.chmod(0o755)
    assert "FAIL  uv could not be installed" in set_up(tmp_path).stderr
    assert left.read_text() == (tmp_path / "python").read_text(), "the environment is another one"


def tree_of_its_own(directory: Path, python: str | None) -> None:
    """Set-up replaces an environment that another Python has made, so it is not tried in ours."""
    (directory / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "setup", directory / "bin" / "setup")
    for path in (ROOT / "pyproject.toml", ROOT / "requirements" / "dev.txt", ROOT / "requirements" / "uv.txt"):
        copy = directory / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    if python is not None:
        (directory / "python").write_text(f"#!/bin/sh\n{python}\n")
        (directory / "python").chmod(0o755)


def set_up(directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": "./python", "GOAL": "setup"}
    return subprocess.run(
        ["sh", "bin/setup"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
