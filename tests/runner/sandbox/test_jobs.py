"""Whole jobs in the sandbox that needs no namespace: what the runner does between commands goes well there, too."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runner.conftest import PYTEST_SETUP, Repo, Runner, claim_for
from tests.runner.fake_control import call

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="another user is root's to give")


@pytest.fixture
def work(directory: Path) -> Iterator[dict[str, str]]:
    """Settings of a runner whose directories another user can reach."""
    path = directory / "work"
    path.mkdir(mode=0o711, exist_ok=True)
    yield {"PERSEVERE_SANDBOX": "uid", "PERSEVERE_WORK": str(path)}
    assert not list(path.iterdir())


def test_a_build_is_worked_on_by_another_user(repo: Repo, start: Callable[..., Runner], work: dict[str, str]) -> None:
    repo.commit({"a.txt": "one\n", "run.sh": "#!/bin/sh\necho ran\n"}, executable=("run.sh",))
    replies = [
        [call("0.0", "bash", command="./run.sh && git status --short && echo two > a.txt")],
        [call("1.0", "write", path="b.txt", content="b\n")],
        [call("2.0", "bash", command="cat b.txt && echo more >> b.txt && git add -A && git status --short")],
        [call("3.0", "edit", path="b.txt", changes=[{"old": "more", "new": "most"}])],
        [call("4.0", "finish", summary="done")],
    ]
    runner = start(claim_for(repo), replies, environment=work)
    assert runner.run() == 0, runner.stderr
    control = runner.control
    assert control.end.outcome == "handed_over", control.end
    assert control.end.sandbox == "separate user, no new privileges, seccomp, no network"
    assert {path: each.data for path, each in control.changes().items()} == {
        "a.txt": b"two\n",
        "b.txt": b"b\nmost\n",
    }
    assert control.self_test["backend"] == "uid"
    assert control.self_test["network_reached"] == []


def test_a_proof_runs_as_two_users(
    repo: Repo, start: Callable[..., Runner], work: dict[str, str], packages: Path
) -> None:
    repo.commit({"n.py": "N = 1\n", "test_n.py": "import n\n\n\ndef test_n():\n    assert n.N == 2\n"})
    repo.commit({"n.py": "N = 2\n"})
    # Out of pytest's own directory, which is for nobody else and is shut again by every pytest that begins.
    packages = Path(shutil.copytree(packages, Path(work["PERSEVERE_WORK"]).parent / "packages"))
    packages.chmod(0o755)
    run = ".venv/bin/python -m pytest -q test_n.py::test_n"
    check = {"kind": "test", "run": run, "origin": "spec", "ids": ["test_n.py::test_n"]}
    claimed = claim_for(
        repo,
        "verify",
        clone={"head": repo.head},
        criteria=[{"id": "AC-1", "kind": "new", "text": "", "check": check}],
        setup={"setup": PYTEST_SETUP, "setup_source": "settings"},
    )
    runner = start(claimed, environment={**work, "PIP_FIND_LINKS": str(packages)})
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "verified", runner.control.end
    seen = {each.side: each.runs[0] for each in runner.control.observations}
    assert (seen["base"].outcome, seen["head"].outcome) == ("fail", "pass"), seen
