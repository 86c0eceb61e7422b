"""What a case's repository is told."""

from pathlib import Path

import pytest
import yaml

from local.case.case_file import Case, Criterion, PublishedStep
from local.case.settings import write_settings


def case(steps: int = 2, observation: str = "ok", project: str = "octo-lib") -> Case:
    return Case(
        full_name="octo-org/octo-lib",
        project=project,
        version="1.2.0",
        python="",
        setup="make ready",
        full_tests=None,
        criteria=(Criterion("AC-1", "it works", "true", "new"),),
        title="t",
        body="",
        steps=tuple(PublishedStep(line, "thought", "ls", observation) for line in range(1, steps + 1)),
    )


def test_settings_say_what_the_case_says(tmp_path: Path) -> None:
    assert write_settings(case(), tmp_path) == {"setup": "make ready"}
    assert yaml.safe_load((tmp_path / ".github" / "persevere.yml").read_text()) == {"setup": "make ready"}


@pytest.mark.parametrize(
    ("name", "text", "environment"),
    [
        (
            "pyproject.toml",
            '[build-system]\nrequires = ["setuptools_scm[toml]>=6"]\n',
            {"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_OCTO_LIB": "1.2.0"},
        ),
        ("setup.py", "setup(use_scm_version=True)", {"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_OCTO_LIB": "1.2.0"}),
        ("setup.cfg", "[options]\nsetup_requires = pbr>=2\n", {"PBR_VERSION": "1.2.0"}),
    ],
)
def test_a_build_that_asks_gits_tags_is_told_the_releases_version(
    tmp_path: Path, name: str, text: str, environment: dict[str, str]
) -> None:
    """The repository of a case is one commit without a tag."""
    (tmp_path / name).write_text(text)
    assert write_settings(case(project="Octo.Lib"), tmp_path)["environment"] == environment


def test_a_long_run_is_given_the_money_that_it_reads(tmp_path: Path) -> None:
    assert write_settings(case(steps=100, observation="x" * 4_000), tmp_path)["budget"] == "$18"
    assert "budget" not in write_settings(case(steps=20, observation="x" * 4_000), tmp_path)
