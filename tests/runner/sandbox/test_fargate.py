"""Root as AWS Fargate has it: bubblewrap cannot work, `uid` is found, and everything that it promises holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be held so")

CHOOSE = """
import os, sys
from pathlib import Path
from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox
from runner_image.sandbox.interpreter import find_interpreter
try:
    made = choose(sys.argv[1], find_interpreter(None), Path(sys.argv[2]) / "private", os.environ)
except NoSandbox as error:
    print("refused:", error)
else:
    print(made.name, "|", made.label("local"))
"""


def held(*argv: str, questions: bool = True) -> subprocess.CompletedProcess[str]:
    stage = [sys.executable, str(HERE / "fargate.py"), *([] if questions else ["--no-questions"])]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**inherited, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*stage, *argv], check=False, capture_output=True, text=True, cwd=ROOT, env=environment)


def chosen(name: str, directory: Path, *, questions: bool = True) -> str:
    ran = held(sys.executable, "-c", CHOOSE, name, str(directory), questions=questions)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_bubblewrap_does_not_work_there(directory: Path) -> None:
    assert "bubblewrap is installed and does not work here" in chosen("bwrap", directory / "fargate-bwrap")


def test_a_separate_user_is_found(directory: Path) -> None:
    said = "uid | separate user, no new privileges, seccomp, no network"
    assert chosen("auto", directory / "fargate-auto") == said


def test_a_kernel_without_questions_leaves_the_choice_to_the_operator(directory: Path) -> None:
    refused = chosen("auto", directory / "fargate-refused", questions=False)
    assert "`PERSEVERE_SANDBOX=uid:none` builds and proves without loopback" in refused
    said = "uid:none | separate user, no new privileges, seccomp, no network, no loopback either, as the operator chose"
    assert chosen("uid:none", directory / "fargate-none", questions=False) == said


def test_every_promise_holds_there() -> None:
    tests = [str(HERE / "test_contract.py"), str(HERE / "test_promises.py")]
    ran = held(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "uid", *tests)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert " passed" in ran.stdout
