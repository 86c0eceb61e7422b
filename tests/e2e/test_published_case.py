"""The real case: a release from the package index, and what a language model really answered to its issue.

Its directory lies beside the repository (`../*/cases/marshmallow-1867`), the index must answer; else this is skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.case.pip_places import ask_pip
from local.case.sdist import NoIndex, get
from tests.e2e.machine import machine

ROOT = Path(__file__).resolve().parents[2]
NAME = "marshmallow-1867"
ANSWERS = ROOT / "tests" / "cases" / f"{NAME}.jsonl"

pytestmark = [pytest.mark.network, pytest.mark.timeout(3600)]


def case_directory() -> Path:
    found = next(ROOT.parent.glob(f"*/cases/{NAME}"), None)
    if found is None:
        pytest.skip(f"the case {NAME} is not beside the repository")
    return found


def test_its_fix_breaks_what_must_stay_and_the_second_round_is_proved(tmp_path: Path) -> None:
    directory = case_directory()
    try:
        get("marshmallow", "3.13.0", ask_pip(), tmp_path / "sdists")
    except NoIndex as error:
        pytest.skip(str(error))
    given = machine()
    command = [sys.executable, "-m", "local.cli", "case", str(directory), "--answers", str(ANSWERS), "--json"]
    ran = subprocess.run(
        command,
        env=given | {"PERSEVERE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    rounds = [" ".join(line.split()) for line in ran.stderr.splitlines() if " proof " in line]
    assert [line.partition("round ")[2] for line in rounds] == [
        "1 AC-1 proved AC-2 FAILED AC-3 kept",
        "2 AC-1 proved AC-2 kept AC-3 kept",
    ]
    assert {each["id"]: each["conclusion"] for each in found["criteria"]} == {
        "AC-1": "proved",
        "AC-2": "kept",
        "AC-3": "kept",
    }
    assert found["pull_request"]["draft"] is False
    assert found["money"]["held"] == 0
