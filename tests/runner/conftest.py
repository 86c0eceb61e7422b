"""Real git, real processes, a fake control plane. A sandbox that this machine should have and has not is a failure."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import Command, Network, Place, Ran, Sandbox
from runner_image.sandbox.interpreter import find_interpreter
from tests.runner.fake_control import FakeControl

ROOT = Path(__file__).resolve().parents[2]
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "octocat",
    "GIT_AUTHOR_EMAIL": "octocat@example.com",
    "GIT_COMMITTER_NAME": "octocat",
    "GIT_COMMITTER_EMAIL": "octocat@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "PATH": os.environ["PATH"],
}
needs_bwrap = pytest.mark.skipif(
    not (shutil.which("bwrap") or os.environ.get("CI") == "true"), reason="bubblewrap is not installed here"
)
BACKENDS = [pytest.param("bwrap", marks=needs_bwrap), "none"]
"""Without a fence the tests of a job need no bubblewrap, and they are quicker."""


@dataclass
class Repo:
    """A repository with commits made from files; `head` is the last one."""

    path: Path
    commits: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.commits[-1]

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        ran = subprocess.run(["git", *arguments], cwd=self.path, env=GIT, input=stdin, check=True, capture_output=True)
        return ran.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | bytes | None] | None = None, *, executable: tuple[str, ...] = ()) -> str:
        """None deletes; a value that begins with `-> ` is a link's target."""
        for name, content in (files or {}).items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if isinstance(content, str) and content.startswith("-> "):
                path.symlink_to(content[3:])
            elif content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for name in executable:
            (self.path / name).chmod(0o755)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", f"commit {len(self.commits) + 1}")
        self.commits.append(self.git("rev-parse", "HEAD"))
        return self.head


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    path = tmp_path / "origin"
    path.mkdir()
    made = Repo(path)
    made.git("init", "-q", "-b", "main")
    return made


@dataclass
class Fence:
    """A sandbox with a place to run in."""

    sandbox: Sandbox
    place: Place

    def run(self, line: str, seconds: float = 300, network: Network = "local", **more: Any) -> Ran:
        return self.sandbox.run(self.place, Command(line, seconds, network, **more))

    def says(self, line: str, **more: Any) -> str:
        return self.run(line, **more).output.text().strip()


@pytest.fixture
def make_fence(tmp_path: Path) -> Callable[[str], Fence]:
    def make(name: str) -> Fence:
        home = tmp_path / f"fence-{name}"
        place = Place(home / "tree", home / "home", home / "scratch")
        sandbox = choose(name, find_interpreter(None), home / "private", os.environ)
        for path in (place.workspace, place.home, home / "scratch"):
            path.mkdir()
            sandbox.own(path)
        return Fence(sandbox, place)

    return make


@pytest.fixture(params=BACKENDS)
def fence(request: pytest.FixtureRequest, make_fence: Callable[[str], Fence]) -> Fence:
    return make_fence(request.param)


@dataclass
class Runner:
    """Runs `python -m runner_image` against a fake control plane."""

    tmp_path: Path
    control: FakeControl
    stderr: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    """A command that starts it, such as one that takes root's rights away."""

    def start(self) -> "subprocess.Popen[bytes]":
        work = self.tmp_path / "work"
        environment = {
            **os.environ,
            "PERSEVERE_API": self.control.url,
            "PERSEVERE_TICKET": "ticket",
            "PERSEVERE_WORK": str(work),
            "PERSEVERE_ALLOW_FILE_CLONE": "1",
            "PERSEVERE_HEARTBEAT_S": "0.05",
            "PERSEVERE_SANDBOX": "none",
            "PYTHONPATH": str(ROOT),
            **self.environment,
        }
        return subprocess.Popen(
            [*self.within, sys.executable, "-m", "runner_image"],
            env=environment,
            cwd=self.tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def wait(self, process: "subprocess.Popen[bytes]", seconds: float = 300) -> int:
        _, err = process.communicate(timeout=seconds)
        self.stderr = err.decode()
        left = list((self.tmp_path / "work").iterdir()) if (self.tmp_path / "work").exists() else []
        assert not left, f"the runner left {left} behind"
        return process.returncode

    def run(self) -> int:
        return self.wait(self.start())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    """`start(claimed, replies, …)` gives a Runner whose control plane is up."""
    controls: list[FakeControl] = []

    def make(claimed: dict[str, Any], replies: list[list[dict[str, Any]]] | None = None, **more: Any) -> Runner:
        environment, within = more.pop("environment", {}), more.pop("within", ())
        control = FakeControl(claimed, replies or [], **more)
        controls.append(control)
        control.__enter__()
        return Runner(tmp_path, control, environment=environment, within=within)

    yield make
    for control in controls:
        control.__exit__()


def claim_for(repo: Repo, kind: str = "build", **more: Any) -> dict[str, Any]:
    """What a claim is answered with. `setup` true: nothing to set up."""
    clone = {"url": repo.url, "base": repo.commits[0], **more.pop("clone", {})}
    limits = {"seconds": 300, **more.pop("limits", {})}
    return {
        "job": "job",
        "kind": kind,
        "repository": "octo-org/octo-repo",
        "clone": clone,
        "limits": limits,
        "setup": {"setup": "true", "setup_source": "settings"},
        **more,
    }


PYTEST_SETUP = 'python -m venv --without-pip .venv && cp -r "$PIP_FIND_LINKS"/. .venv/lib/python3*/site-packages/'
"""A set-up that needs no package index: pytest as it is installed here, copied."""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with pytest and what it imports, for PIP_FIND_LINKS to name."""
    site = Path(pytest.__file__).resolve().parents[1]
    target = tmp_path_factory.mktemp("packages") / "site"
    target.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "lexers", "styles")
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        shutil.copytree(site / name, target / name, ignore=ignore)
    shutil.copyfile(site / "py.py", target / "py.py")
    (target / "pygments" / "lexers").mkdir()
    shutil.copyfile(site / "pygments" / "lexers" / "__init__.py", target / "pygments" / "lexers" / "__init__.py")
    for part in ("lexers/_mapping.py", "lexers/python.py", "lexers/diff.py", "lexers/special.py"):
        shutil.copyfile(site / "pygments" / part, target / "pygments" / part)
    shutil.copytree(
        site / "pygments" / "styles", target / "pygments" / "styles", ignore=shutil.ignore_patterns("__pycache__")
    )
    # As an installer would; a record of the source's time would not survive being copied.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(target, quiet=2, invalidation_mode=mode)
    return target


MANY = """import datetime, os, sys
file = os.environ["PYTEST_ADDOPTS"].partition("=")[2].split()[0]
bad = sys.argv[1:]
cases = "".join(f'<testcase classname="tests.of.a.package.of.many.modules.test_numbers.TestNumbers" '
    f'name="test_that_it_adds_up[{"x" * 40}-{n}]">{"<skipped/>" if n >= 3000 else ""}</testcase>' for n in range(6000))
cases += f'<testcase classname="tests.test_last" name="test_last">{"<failure/>" if bad else ""}</testcase>'
open(file, "w").write('<testsuite errors="0" failures="%d" skipped="3000" tests="6001" time="0" timestamp="%s">%s</testsuite>'
    % (len(bad), datetime.datetime.now().isoformat(), cases))
sys.exit(len(bad))
"""
"""Leaves the record of thousands of tests with long names; one fails where the program is given a word."""
