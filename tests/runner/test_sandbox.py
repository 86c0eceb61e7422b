"""What every backend promises, and what the fence alone does."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner_image.sandbox.bwrap import Bwrap
from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import Command, NoSandbox
from runner_image.sandbox.environment import named_paths, outward_environment
from runner_image.sandbox.interpreter import find_interpreter
from runner_image.sandbox.selftest import run_self_test
from tests.runner.conftest import Fence

MakeFence = Callable[..., Fence]


def lives(word: str) -> bool:
    """Whether any process of this machine has `word` among its arguments."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in command.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def gone(word: str) -> bool:
    until = time.monotonic() + 5
    while lives(word) and time.monotonic() < until:
        time.sleep(0.02)
    return not lives(word)


# --- every backend ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("false | true", 0),
        ("nonesuch", 127),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
        ("exit 255", 255),
    ],
)
def test_the_exit_code_is_the_shells(fence: Fence, line: str, exit_code: int) -> None:
    ran = fence.run(line)
    assert (ran.end, ran.exit) == ("exited", exit_code)


def test_a_file_that_cannot_be_executed_is_126(fence: Fence) -> None:
    assert fence.run("touch plain; ./plain").exit == 126


def test_it_runs_in_the_workspace_with_its_input_closed(fence: Fence) -> None:
    assert fence.says("pwd") == fence.sandbox.workspace_path(fence.place)
    assert fence.says("wc -c") == "0"
    fence.run("echo made > file")
    assert (fence.place.workspace / "file").read_text() == "made\n"


def test_python_is_the_chosen_one(fence: Fence) -> None:
    chosen = find_interpreter(None)
    for name in ("python", "python3", "python" + ".".join(chosen.version.split(".")[:2])):
        assert fence.says(f"{name} -c 'import platform; print(platform.python_version())'") == chosen.version
    assert fence.says("/usr/bin/env python -c 'import sys; print(sys.base_prefix)'") == chosen.prefixes[0]


def test_a_virtual_environment_of_the_chosen_python_works(fence: Fence) -> None:
    line = "python -m venv --without-pip .venv && .venv/bin/python -c 'import sys, ssl; print(sys.prefix)'"
    assert fence.says(line).endswith("/.venv")


def test_the_environment_is_clean(make_fence: MakeFence) -> None:
    for name in ("none", "bwrap") if shutil.which("bwrap") else ("none",):
        machine = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_SECRET_ACCESS_KEY": "canary",
            "PERSEVERE_TICKET": "canary",
        }
        fence = make_fence(name, machine)
        assert "canary" not in fence.says("env; cat /proc/self/environ")
        given = fence.run("echo $OWN:$PATH", environment={"OWN": "yes", "PATH": "/own"}).output.text()
        assert given.startswith("yes:") and given.strip().endswith(":/own")


def test_a_time_out_ends_the_whole_tree(fence: Fence) -> None:
    ran = fence.run("sleep 4711.1 & (setsid sleep 4711.1 &) ; sleep 4711.1", seconds=0.5)
    assert (ran.end, ran.exit) == ("timeout", None)
    assert ran.seconds < 5
    assert gone("4711.1")


def test_a_daemon_is_ended_with_its_command(fence: Fence) -> None:
    ran = fence.run("(setsid nohup sleep 4711.2 >/dev/null 2>&1 &); env -i setsid -f sleep 4711.2; echo left")
    assert ran.output.text() == "left\n"
    assert gone("4711.2")


def test_a_background_child_that_holds_the_pipe_does_not_hang_the_call(fence: Fence) -> None:
    ran = fence.run("sleep 30 & echo hi", seconds=20)
    assert (ran.exit, ran.output.text()) == (0, "hi\n")
    assert ran.seconds < 10


def test_a_kill_from_another_thread_is_obeyed_at_once_and_for_good(fence: Fence) -> None:
    threading.Timer(0.3, fence.sandbox.kill).start()
    ran = fence.run("echo begun; (setsid sleep 4711.3 &); sleep 4711.3", seconds=60)
    assert (ran.end, ran.exit) == ("killed", None)
    assert ran.output.text() == "begun\n"
    assert gone("4711.3")
    assert fence.run("echo again").end == "killed"


def test_output_is_bounded_in_memory_and_in_the_file(fence: Fence, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    ran = fence.run(
        "head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; echo the end", spool=spool, output_bytes=1_000_000
    )
    assert ran.exit == 0
    assert ran.output.size == 100_000_009
    assert spool.stat().st_size == ran.output.kept == 1_000_000
    assert len(ran.output.head) + len(ran.output.tail) < 1_000_000
    text = ran.output.text()
    assert len(text) < 13_000
    assert text.endswith("the end\n")
    assert "bytes left out here" in text


BOMB = """python -c "
import os
made = 0
try:
    while made < 200:
        if os.fork() == 0: os.execvp('sleep', ['sleep', '4711.4'])
        made += 1
except OSError as error:
    print(made < 30, error.strerror)
" """


def test_a_fork_bomb_is_bounded_and_ended(bwrap: Fence) -> None:
    assert isinstance(bwrap.sandbox, Bwrap)
    ran = bwrap.sandbox.run(bwrap.place, Command(BOMB, 20), processes=20)
    # The kernel does not count root's processes, which they are where root has one id only: there they are but ended.
    assert ran.output.text() == ("True Resource temporarily unavailable\n" if bwrap.sandbox.counts_processes else "")
    assert gone("4711.4")


# --- the fence --------------------------------------------------------------------------------------------


def test_the_self_test_tells_the_fence_from_none(make_fence: MakeFence, bwrap: Fence) -> None:
    held = run_self_test(bwrap.sandbox, bwrap.place)
    assert held.holds
    assert held.uid != 0
    assert held.python == find_interpreter(None).version
    open_house = make_fence("none")
    assert not run_self_test(open_house.sandbox, open_house.place).holds


@pytest.mark.parametrize(
    "line",
    [
        "touch /usr/x",
        "touch /x",
        "touch /etc/x",
        "touch /run/persevere/bin/x",
        "mkdir /home/other",
        "mount -t tmpfs none /mnt",
        f"cat {Path(__file__).resolve()}",
        pytest.param(f"kill -0 {os.getpid()}", id="signal us"),
        pytest.param(f"cat /proc/{os.getppid()}/environ", id="environment of our parent"),
        "cat /proc/1/environ | tr '\\0' '\\n' | grep PERSEVERE_",
        "cat /etc/shadow",
        f"ls {Path.home()}/.ssh /sys/class",
        "chown 0 .",
        "unshare --user --map-root-user --mount sh -c 'mount -o remount,rw,bind /usr'",
        "same=$(cat /proc/sys/kernel/panic) && echo $same > /proc/sys/kernel/panic",
        "python -c 'import os; os.setuid(0)'",
    ],
)
def test_nothing_outside_is_reached(bwrap: Fence, line: str) -> None:
    ran = bwrap.run(line)
    assert ran.exit not in (0, None), ran.output.text()


def test_what_it_needs_is_there(bwrap: Fence) -> None:
    line = "touch /tmp/a /var/tmp/b ~/c ./d && python -c 'import multiprocessing as m; m.Lock()' && id -un && cat /etc/hosts"
    ran = bwrap.run(line)
    assert ran.exit == 0, ran.output.text()
    assert "agent" in ran.output.text()


def test_tmp_lasts_for_a_build_and_is_new_for_a_check(bwrap: Fence) -> None:
    bwrap.run("echo kept > /tmp/note")
    assert bwrap.says("cat /tmp/note") == "kept"
    fresh = Fence(bwrap.sandbox, replace(bwrap.place, scratch=None))
    assert fresh.run("cat /tmp/note").exit == 1
    fresh.run("echo lost > /tmp/note")
    assert fresh.run("cat /tmp/note").exit == 1


@pytest.mark.parametrize(
    ("network", "outside", "loopback"), [("open", True, True), ("local", False, True), ("none", False, False)]
)
def test_the_network_by_phase(bwrap: Fence, network: str, outside: bool, loopback: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        line = f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached"
        assert (bwrap.run(line, network=network).output.text() == "reached\n") is outside  # type: ignore[arg-type]
    own = "s=socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 2); print('own')"
    assert (bwrap.says(f'python -c "import socket; {own}" 2>/dev/null', network=network) == "own") is loopback


def test_what_leads_outward_is_given_in_the_open_phase_only(make_fence: MakeFence, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "a.whl").write_text("wheel")
    machine = {
        "PATH": os.environ["PATH"],
        "PIP_FIND_LINKS": str(wheels),
        "PIP_INDEX_URL": "https://me:secret@index.test/x",
    }
    if not shutil.which("bwrap") and os.environ.get("CI") != "true":
        pytest.skip("bubblewrap is not installed here")
    fence = make_fence("bwrap", machine)
    assert fence.says("cat $PIP_FIND_LINKS/a.whl", network="open") == "wheel"
    assert fence.run(f"touch {wheels}/b").exit != 0
    assert fence.says("echo [$PIP_FIND_LINKS]") == "[]"
    assert fence.run(f"cat {wheels}/a.whl").exit != 0
    assert "secret" not in fence.says("env", network="open")


def test_the_two_sides_run_as_two_users(tmp_path: Path, bwrap: Fence) -> None:
    other = choose("bwrap", find_interpreter(None), tmp_path / "other", os.environ, uid_offset=1 << 23)
    assert isinstance(other, Bwrap)
    assert isinstance(bwrap.sandbox, Bwrap)
    assert (other.uid != bwrap.sandbox.uid) is (os.geteuid() == 0 and bwrap.sandbox.uid != 65534)


# --- choosing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "cannot fence off the repository's code (bubblewrap is not installed)"),
        ("auto", "`PERSEVERE_SANDBOX=none` if you know what that means"),
        ("bwrap", "I do not run it unfenced"),
        ("chroot", "there is no sandbox called 'chroot'"),
    ],
)
def test_without_a_fence_it_refuses_and_says_what_to_do(tmp_path: Path, name: str | None, words: str) -> None:
    with pytest.raises(NoSandbox) as refused:
        choose(name, find_interpreter(None), tmp_path / "private", {"PATH": str(tmp_path)})
    assert words in str(refused.value)


def test_bubblewrap_that_does_not_work_is_said_with_its_own_words(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'Creating new namespace failed: Operation not permitted' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(NoSandbox, match="Creating new namespace failed"):
        choose(None, find_interpreter(None), tmp_path / "private", {"PATH": f"{tmp_path}:{os.environ['PATH']}"})


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


def test_the_guard_ends_what_it_started_when_the_runner_is_killed(tmp_path: Path) -> None:
    """SIGKILL of whoever runs the guard: nothing may outlive it."""
    script = (
        "import os, sys, json\nfrom pathlib import Path\n"
        "from runner_image.sandbox.choice import choose\nfrom runner_image.sandbox.contract import Command, Place\n"
        "from runner_image.sandbox.interpreter import find_interpreter\n"
        f"d = Path({json.dumps(str(tmp_path))})\n"
        "s = choose(sys.argv[1], find_interpreter(None), d / sys.argv[1], os.environ)\n"
        "for n in 'wh': (d / (sys.argv[1] + n)).mkdir()\n"
        "p = Place(d / (sys.argv[1] + 'w'), d / (sys.argv[1] + 'h'))\n"
        "s.own(p.workspace); s.own(p.home)\n"
        "s.run(p, Command('touch begun; setsid -f sleep 4711.5; sleep 4711.5', 60))\n"
    )
    for name in ("none", "bwrap") if shutil.which("bwrap") else ("none",):
        process = subprocess.Popen([sys.executable, "-c", script, name], cwd=Path(__file__).parents[2])
        until = time.monotonic() + 20
        while not (tmp_path / f"{name}w" / "begun").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert gone("4711.5"), name
