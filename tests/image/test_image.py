"""What is in the image, and that it starts and ends as the platform wants."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.conftest import Image, terminate_first_process
from tests.runner.conftest import Repo, claim_for
from tests.runner.fake_control import FakeControl, call

START = ["/usr/bin/tini", "--", "/opt/persevere/venv/bin/python", "-m", "runner_image"]
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def repo(image: Image) -> Iterator[Repo]:
    """A repository that the container sees as /origin."""
    path = image.root / "origin"
    path.mkdir()
    made = Repo(path)
    made.git("init", "-q", "-b", "main")
    made.commit({"a.txt": "one\n"})
    yield made
    shutil.rmtree(path)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("git --version", "git version 2."),
        ("bwrap --version", "bubblewrap "),
        ("python3 --version", "Python 3.13"),
        ("uv --version", "uv 0."),
        ("node --version", "v24."),
        ("npm --version", "10."),
        ("cd /tmp && echo lts/22.1 >.nvmrc && mkdir -p below && cd below && node --version; rm /tmp/.nvmrc", "v22."),
        (
            "cd /tmp && echo 18 >.node-version && node --version 2>&1; rm /tmp/.node-version",
            "node: .node-version asks for 18",
        ),
        ("ls /usr/lib/*/libseccomp.so.2", "/usr/lib/"),
        ("/opt/persevere/venv/bin/python -c 'import pydantic, requests, runner_image.__main__; print(1)'", "1"),
        ("gcc --version", "gcc "),
    ],
)
def test_a_tool_is_there(image: Image, line: str, wanted: str) -> None:
    assert image.says(line).startswith(wanted)


def test_a_jobs_user_can_read_the_runner_and_change_nothing_of_it(image: Image) -> None:
    writable = "find /opt /usr/local -perm /022 ! -type l"
    assert image.says(writable) == ""
    as_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs"
    assert image.says(f"{as_nobody} head -c 3 /opt/persevere/runner_image/__main__.py") == '"""'
    assert image.says(f"{as_nobody} find /opt/persevere/runner_image /opt/persevere/shared ! -readable") == ""
    assert image.says(f"{as_nobody} node --version").startswith("v24.")


def test_nothing_of_the_control_plane_is_in_it(image: Image) -> None:
    there = {path.name for path in (image.root / "opt/persevere").iterdir()}
    assert there == {"requirements", "runner_image", "shared", "venv"}
    domain = {path.name for path in (image.root / "opt/persevere/shared/domain").glob("*.py")}
    assert domain <= {"__init__.py", "changeset.py", "protocol.py", "shape.py"}
    assert not list((image.root / "opt/persevere/venv").rglob("boto*"))


def test_without_a_ticket_it_says_what_is_missing(image: Image) -> None:
    process = image.start(START)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "PERSEVERE_API is not set" in said


def test_sigterm_reaches_the_runner_and_it_leaves_in_time(image: Image, repo: Repo) -> None:
    claimed = claim_for(repo, clone={"url": "file:///origin"})
    with FakeControl(claimed, [[call("0.0", "bash", command="sleep 300")]]) as control:
        told = {
            "PERSEVERE_API": control.url,
            "PERSEVERE_TICKET": "ticket",
            "PERSEVERE_SANDBOX": "none",
            "PERSEVERE_ALLOW_FILE_CLONE": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        process = image.start(START, told)
        _until(lambda: bool(control.asked))
        time.sleep(1)  # the command runs
        began = time.monotonic()
        terminate_first_process(process)
        said, _ = process.communicate(timeout=60)
        took = time.monotonic() - began
    events = [json.loads(line)["event"] for line in said.splitlines() if line.startswith("{")]
    assert "signal.received" in events
    assert control.end.outcome == "interrupted"
    assert process.returncode == 0
    assert took < 20
    assert not list(Path(image.root / "tmp").glob("persevere-*"))


def _until(holds: "object", seconds: float = 60) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the runner did not get that far"
        time.sleep(0.05)
