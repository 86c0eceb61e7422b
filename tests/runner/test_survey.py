"""What a survey finds, on repositories with much and with nothing in them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_image.brief import rank, write_brief
from runner_image.orders import Orders
from runner_image.setup import read_files
from runner_image.workspace import clone
from shared.domain.protocol import Clone, Survey
from tests.runner.conftest import BACKENDS, GIT, MANY, PYTEST_SETUP, ROOT, Repo, Runner, claim_for

Start = Callable[..., Runner]
CI = (
    "on:\n  push:\n  pull_request:\n    branches: [main]\njobs:\n  a:\n    env:\n      T: ${{ secrets.GITHUB_TOKEN }}\n"
)
FILES = {
    "n.py": "class Export:\n    def export_csv(self):\n        return 1\n\n\ndef unrelated(): pass\n",
    "other.py": "def unrelated(): pass\n",
    "tests/test_n.py": "import n\ndef test_n(): assert n.Export().export_csv() == 1\ndef test_bad(): assert 0\n",
    "AGENTS.md": "# Agents\nUse tabs.\n",
    ".github/pull_request_template.md": "x",
    "README.md": "# The export project\n",
    ".github/workflows/ci.yml": CI,
    ".github/workflows/secret.yaml": "on: [pull_request]\njobs:\n  a:\n    env:\n      T: ${{ secrets.DEPLOY_KEY }}\n",
    ".github/workflows/nightly.yml": "on:\n  schedule: []\n  # pull_request: no\njobs:\n  pull_request: {env: '${{ secrets.X }}'}\n",
}


def survey_of(runner: Runner) -> Survey:
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert end.outcome == "surveyed"
    assert end.survey is not None
    return end.survey


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_a_brief_says_what_is_here(repo: Repo, start: Start, packages: Path, sandbox: str) -> None:
    repo.commit(FILES)
    claimed = claim_for(repo, "survey", purpose="brief", words=["export_csv", "Export"], setup={"setup": PYTEST_SETUP})
    runner = start(claimed, environment={"PERSEVERE_SANDBOX": sandbox, "PIP_FIND_LINKS": str(packages)})
    found = survey_of(runner)
    assert found.setup_run is not None
    assert found.setup_run.outcome == "pass"
    assert (found.tests, found.tests_source) == (
        "python -m pytest -q",
        "tests/",
    ) or found.tests == ".venv/bin/python -m pytest -q"
    assert found.tests_run is not None
    assert found.tests_run.outcome == "fail"
    assert found.tests_run.tests is not None
    assert (found.tests_run.tests.count, len(found.tests_run.tests.failed)) == (2, 1)
    assert found.instructions == (".github/pull_request_template.md", "AGENTS.md")
    assert (found.workflows.on_pull_request, found.workflows.with_secrets) == (2, 1)
    assert found.tools["git"].count(".") >= 1
    assert {"python", "git"} <= set(found.tools)
    brief = runner.control.blob(found.brief).decode()
    assert "Use tabs." in brief
    assert "2: def export_csv(self)" in brief.replace("    ", "")
    assert brief.index("n.py  ") < brief.index("# Definitions in n.py")


def test_a_repository_with_nothing_to_do_is_a_normal_result(repo: Repo, start: Start) -> None:
    repo.commit({"notes.txt": "x"})
    found = survey_of(start(claim_for(repo, "survey", purpose="brief", setup={})))
    assert (found.setup, found.setup_run, found.tests, found.tests_run) == (None, None, None, None)
    assert found.brief is not None


def test_setup_that_fails_is_a_result_too(repo: Repo, start: Start) -> None:
    repo.commit({"pytest.ini": ""})
    found = survey_of(start(claim_for(repo, "survey", purpose="brief", setup={"setup": "nonesuch"})))
    assert found.setup_run is not None
    assert (found.setup_run.outcome, found.setup_run.exit) == ("could_not_run", 127)
    assert found.tests_run is not None
    assert "set-up ended without success" in found.tests_run.reason


def test_a_tryout_runs_each_check_once(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    criteria = [
        {"id": "AC-1", "kind": "new", "text": "", "check": {"run": "test -e b"}},
        {"id": "AC-2", "kind": "keep", "text": "", "check": {"run": "test -e a"}},
        {"id": "AC-3", "kind": "new", "text": "", "check": {"run": "x", "origin": "agent"}},
        {"id": "AC-4", "kind": "person", "text": ""},
    ]
    found = survey_of(start(claim_for(repo, "survey", purpose="tryout", criteria=criteria)))
    seen = {each.criterion: [run.outcome for run in each.runs] for each in found.observations}
    assert seen == {"AC-1": ["fail"], "AC-2": ["pass"]}
    assert {each.sha for each in found.observations} == {repo.head}


def test_a_tryout_of_many_tests_is_told_whole(repo: Repo, start: Start) -> None:
    repo.commit({"many.py": MANY})
    criteria = [
        {"id": f"AC-{n}", "kind": "keep", "text": "", "check": {"run": "python many.py", "kind": "suite"}}
        for n in range(8)
    ]
    found = survey_of(start(claim_for(repo, "survey", purpose="tryout", criteria=criteria)))
    tests = [run.tests for each in found.observations for run in each.runs]
    assert [each and (each.count, len(each.skipped)) for each in tests] == [(6001, 2000)] * 8


def test_the_brief_is_the_same_bytes_for_any_hash_seed(repo: Repo, tmp_path: Path) -> None:
    repo.commit({**FILES, **{f"pkg/m{n}.py": f"def export_{n}(): Export\n" for n in range(60)}})
    git = clone(Clone(url=repo.url, base=repo.head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    script = (
        "import sys\nfrom pathlib import Path\nfrom runner_image.git import Git\nfrom runner_image.brief import write_brief\n"
        "from runner_image.setup import read_files\nimport os\n"
        f"git = Git(Path({str(git.directory)!r}), os.environ)\n"
        f"sys.stdout.write(write_brief(git, {repo.head!r}, read_files(git, {repo.head!r}), ['Export', 'export_csv', 'export_7'], ['fact']))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
    ranked = rank(git, repo.head, ["Export", "export_csv", "export_7"])
    assert {path for path, _ in ranked[:2]} == {"n.py", "pkg/m7.py"}
    assert rank(git, repo.head, []) == []
    assert rank(git, repo.head, ["nowhere_at_all"]) == []


RANKS = """import os, resource, sys
from pathlib import Path
from runner_image.brief import rank
from runner_image.git import Git
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = rank(Git(Path(sys.argv[1]), os.environ), sys.argv[2], ["word"])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(found[0][0], grown < 300_000)
"""


def test_a_word_without_end_does_not_fill_our_memory(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"word/" * 20 + "a.txt": "word " * 4_000_000})
    git = clone(Clone(url=repo.url, base=repo.head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    told = subprocess.run(
        [sys.executable, "-c", RANKS, str(git.directory), repo.head], cwd=ROOT, check=True, capture_output=True
    )
    assert told.stdout.decode().split() == ["word/" * 20 + "a.txt", "True"]


def test_the_brief_is_bounded(repo: Repo, tmp_path: Path) -> None:
    repo.commit(
        {f"a/very/long/directory/name/number/{n}/é{n}.py": "word = 1\n" * 50 for n in range(500)}
        | {"README.md": "x" * 100_000}
    )
    git = clone(Clone(url=repo.url, base=repo.head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
    text = write_brief(git, repo.head, read_files(git, repo.head), ["word"], [])
    assert len(text.encode()) <= 60_000
    assert "Its 501 files, by directory" in text
