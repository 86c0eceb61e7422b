"""Which sandbox is chosen, what is said where there is none, and which Python and settings it is given."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox, Sandbox
from runner_image.sandbox.environment import named_paths, outward_environment
from runner_image.sandbox.interpreter import find_interpreter
from tests.runner.sandbox.conftest import write_engine
from tests.runner.sandbox.processes import gone, lives

NAP = f"4712.{os.getpid()}"


def pick(directory: Path, name: str | None, path: str) -> Sandbox:
    return choose(name, find_interpreter(None), directory / "private", {"PATH": path})


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.mark.usefixtures("not_root")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            None,
            "cannot fence off the repository's code (bubblewrap is not installed; a separate user can be had by root",
        ),
        (None, "neither docker nor podman is installed)"),
        ("auto", "`PERSEVERE_SANDBOX=none` if you know what that means"),
        ("bwrap", "I do not run it unfenced"),
        ("uid", "by root on Linux only"),
        ("container", "neither docker nor podman"),
        ("chroot", "there is no sandbox called 'chroot'. PERSEVERE_SANDBOX: bwrap, uid, uid:none, container, none."),
    ],
)
def test_without_a_fence_it_refuses_and_says_what_to_do(tmp_path: Path, name: str | None, words: str) -> None:
    with pytest.raises(NoSandbox) as refused:
        pick(tmp_path, name, str(tmp_path))
    assert words in str(refused.value)


@pytest.mark.usefixtures("not_root")
def test_of_three_ways_out_the_unsafe_one_is_last(tmp_path: Path) -> None:
    with pytest.raises(NoSandbox) as refused:
        pick(tmp_path, None, str(tmp_path))
    said = str(refused.value)
    assert (
        said.index("install bubblewrap") < said.index("docker or podman (with") < said.index("PERSEVERE_SANDBOX=none")
    )


@pytest.mark.usefixtures("not_root")
def test_bubblewrap_that_does_not_work_is_said_with_its_own_words(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'Creating new namespace failed: Operation not permitted' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(NoSandbox, match="Creating new namespace failed"):
        pick(tmp_path, None, str(tmp_path))


def test_root_without_bubblewrap_gets_a_separate_user(directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user is root's to give")
    assert pick(directory / "root-alone", None, "/nonexistent").name == "uid"


def test_a_user_gets_a_container_where_an_engine_answers(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = write_engine(directory / "an-engine")
    if os.geteuid() == 0:  # the stand-in is told to be root's still
        monkeypatch.setattr(sys, "platform", "darwin")
    chosen = choose(None, find_interpreter(None), directory / "a-mac" / "private", machine)
    assert chosen.name == "container"
    assert chosen.label("local") == "container (docker 27.1.0, no network)"


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        ("down", "docker is installed and does not answer: docker: Cannot connect to the Docker daemon"),
        ("image", "has no image called persevere-runner; make it with `docker build -t persevere-runner -f"),
    ],
)
def test_an_engine_that_cannot_help_is_said_with_the_line_to_type(tmp_path: Path, break_it: str, words: str) -> None:
    machine = write_engine(tmp_path / "engine", image="other" if break_it == "image" else "persevere-runner")
    if break_it == "down":
        (tmp_path / "engine/state/down").touch()
    with pytest.raises(NoSandbox) as refused:
        choose("container", find_interpreter(None), tmp_path / "private", machine)
    assert words in str(refused.value)


def test_without_libseccomp_there_is_no_separate_user(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user is root's to give")

    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(NoSandbox, match="apt-get install libseccomp2"):
        pick(directory / "no-libseccomp", "uid", "/nonexistent")


def test_an_interpreter_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSandbox, match="cannot be asked"):
        find_interpreter(str(tmp_path / "python"))
    with pytest.raises(NoSandbox):
        find_interpreter("/bin/true")


def test_an_environments_python_means_the_one_it_was_made_from() -> None:
    assert find_interpreter(sys.executable) == find_interpreter(None)


def test_settings_files_of_pip_become_variables(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://index.test/a\nfind-links =\n    /one\n    /two\n[x]\ncert = /c\n"
    )
    found = outward_environment(
        {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_RETRIES": "1", "PIP_TARGET": "/t", "TOKEN": "x"}
    )
    assert found["PIP_INDEX_URL"] == "https://index.test/a"
    assert found["PIP_FIND_LINKS"] == "/one /two"
    assert found["PIP_RETRIES"] == "1"
    assert not {"PIP_TARGET", "TOKEN"} & set(found)


def test_paths_that_variables_name(tmp_path: Path) -> None:
    for name in ("wheels", "index/simple", "work/inner"):
        (tmp_path / name).mkdir(parents=True)
    environment = {
        "PIP_FIND_LINKS": f"{tmp_path}/wheels https://x.test/y /nonexistent /etc",
        "PIP_EXTRA_INDEX_URL": f"file://{tmp_path}/index/simple",
        "SSL_CERT_DIR": f"/:{tmp_path}/work",
    }
    assert named_paths(environment, [tmp_path / "work/inner"]) == [tmp_path / "index", tmp_path / "wheels"]
    (tmp_path / "with a blank").mkdir()
    blank = {"PIP_FIND_LINKS": (tmp_path / "with a blank").as_uri()}
    assert named_paths(blank, []) == [tmp_path / "with a blank"]


@pytest.mark.parametrize("name", ["none", "bwrap", "uid"])
def test_what_a_killed_runner_had_started_ends(
    name: str, directory: Path, make_sandbox: Callable[..., Sandbox]
) -> None:
    """SIGKILL of whoever runs the command: nothing may outlive it."""
    script = (
        "import os, sys, json\nfrom pathlib import Path\n"
        "from runner_image.sandbox.choice import choose\nfrom runner_image.sandbox.contract import Command, Place\n"
        "from runner_image.sandbox.interpreter import find_interpreter\n"
        f"d = Path({json.dumps(str(directory))}) / ('killed-' + sys.argv[1])\n"
        "nap = sys.argv[2][1:]\n"
        "s = choose(sys.argv[1], find_interpreter(None), d / 'private', os.environ)\n"
        "for n in 'wh': (d / n).mkdir()\n"
        "p = Place(d / 'w', d / 'h')\n"
        "s.own(p.workspace); s.own(p.home)\n"
        "s.run(p, Command(f'setsid -f sleep {nap}; touch begun; sleep {nap}', 600))\n"
    )
    if name != "none":
        make_sandbox(name)  # skips where there is none
    nap = f"{NAP}{('none', 'bwrap', 'uid').index(name)}"
    process = subprocess.Popen([sys.executable, "-c", script, name, f"={nap}"], cwd=Path(__file__).parents[3])
    begun = directory / f"killed-{name}" / "w" / "begun"
    while not begun.exists():
        assert process.poll() is None, "it ended before its command had begun"
        time.sleep(0.02)
    assert lives(nap)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert gone(nap)


def test_a_guard_told_to_leave_before_it_knows_its_command_takes_it_along(tmp_path: Path) -> None:
    nap = f"{NAP}9"
    slow = (
        "import os, sys, time\nfrom runner_image.sandbox import guard\nfork = os.fork\n"
        f"told = {str(tmp_path / 'told')!r}\n"
        "def slow():\n    child = fork()\n    while child and not os.path.exists(told): time.sleep(0.02)\n    return child\n"
        "os.fork = slow\nsys.exit(guard.main(sys.argv[1:]))\n"
    )
    line = f"setsid -f sleep {nap}; touch {tmp_path}/begun; sleep {nap}"
    process = subprocess.Popen([sys.executable, "-c", slow, "sh", "-c", line], cwd=Path(__file__).parents[3])
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, "it ended before its command had begun"
        time.sleep(0.02)
    process.terminate()
    (tmp_path / "told").touch()
    assert process.wait(120) == 128 + signal.SIGTERM
    assert gone(nap)
