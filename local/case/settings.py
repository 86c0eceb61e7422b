"""The settings file that a case's repository is given: set-up and tests, and what only a case needs."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from local.case.case_file import Case
from shared.domain.money import NANO
from shared.llm.choice import SCRIPTED
from shared.llm.prices import published

PAID_FOR = 3.0  # dollars that the default of a job surely pays for, with rounds of repair after it
MOST = 18  # dollars; a day's default is 20
PREFACE = 6_000  # tokens of instructions, tools and spec, about
SHOWN = 30_000  # characters of an observation, at most


def write_settings(given: Case, tree: Path) -> dict[str, Any]:
    """Writes `.github/persevere.yml`; returns what is in it."""
    path = tree / ".github" / "persevere.yml"
    path.parent.mkdir(exist_ok=True)
    wanted = {
        "setup": given.setup,
        "tests": given.full_tests,
        "budget": budget_for(given),
        "environment": told_version(given, tree),
    }
    wanted = {name: line for name, line in wanted.items() if line}
    path.write_text(yaml.safe_dump(wanted, sort_keys=False, width=10_000))
    return wanted


def budget_for(given: Case) -> str:
    """What a long run is charged, where the default might not pay for it: each answer reads all that came before."""
    read, tokens = 0, 0.0
    for step in given.steps:
        read += len(step.thought) + len(step.action) + min(len(step.observation), SHOWN)
        tokens += read / 4 + PREFACE
    dollars = tokens * published().of(SCRIPTED, 0).tiers[0].input / NANO
    return f"${min(MOST, math.ceil(1.5 * dollars + 2))}" if dollars > PAID_FOR else ""


def told_version(given: Case, tree: Path) -> dict[str, str]:
    """The release's number, for a project whose build asks git's tags for it: one commit has none, and what is guessed
    then (0.1.dev1) is too old for the project's own tests.

    Variables: setuptools-scm.readthedocs.io/en/latest/overrides, docs.openstack.org/pbr, backend.pdm-project.org/metadata.
    """
    build = ""
    for name in ("pyproject.toml", "setup.py", "setup.cfg"):
        if (tree / name).is_file():
            build += (tree / name).read_text("utf-8", errors="replace")
    name = re.sub(r"[-_.]+", "_", given.project).upper()
    signs = {
        f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name}": r"setuptools[-_]scm|hatch-vcs|use_scm_version",
        "PBR_VERSION": r"\bpbr\b",
        "PDM_BUILD_SCM_VERSION": r"\bpdm\b[\s\S]*\bscm\b",
    }
    return {variable: given.version for variable, sign in signs.items() if re.search(sign, build)}
