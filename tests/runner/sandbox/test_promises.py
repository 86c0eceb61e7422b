"""What a fence keeps out: one script tries everything, in each backend, beside a harness that has something to lose."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner_image.__main__ import test_fence as check_fence
from runner_image.sandbox.contract import Network, NoSandbox, Sandbox
from runner_image.sandbox.probe import leaves, reaches, started
from runner_image.sandbox.selftest import SelfTest, run_self_test
from runner_image.sandbox.uid import sweep
from tests.runner.conftest import Fence

HOSTILE = Path(__file__).with_name("hostile.py").read_bytes()


@pytest.fixture(scope="session")
def harness(directory: Path) -> Iterator[dict[str, Any]]:
    """A process of ours with a secret in its environment, and doors of every kind that it listens at."""
    name = f"persevere-test-{os.getpid()}"
    secret = directory / "secret"
    secret.write_text("canary-of-the-harness")
    secret.chmod(0o600)
    with ExitStack() as open_:
        tcp = open_.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = open_.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        for family_name, kind in ((f"\0{name}", socket.SOCK_STREAM), (f"\0{name}-d", socket.SOCK_DGRAM)):
            abstract = open_.enter_context(socket.socket(socket.AF_UNIX, kind))
            abstract.bind(family_name)
            if kind == socket.SOCK_STREAM:
                abstract.listen()
        door = open_.enter_context(socket.socket(socket.AF_UNIX))
        door.bind(str(directory / "door"))
        (directory / "door").chmod(0o777)
        door.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)"],
            env={"PERSEVERE_TICKET": "canary-of-the-harness"},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        yield {
            "port": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "heard": udp,
            "pid": process.pid,
            "since": started(process.pid),
            "abstract": name,
            "door": str(directory / "door"),
            "secret": str(secret),
        }
        process.kill()
        process.wait()
        process.stdout.close()


def attack(fence: Fence, harness: dict[str, Any], network: Network) -> list[str]:
    at = {**harness, "no_namespace": fence.sandbox.name.startswith("uid")}
    heard = at.pop("heard")
    ran = fence.run(f"python -I - '{json.dumps(at)}'", network=network, stdin=HOSTILE)
    assert (ran.end, ran.exit) == ("exited", 0), ran.output.text()
    did = ran.output.text().splitlines()
    if fence.sandbox.name != "none":
        with pytest.raises(BlockingIOError):
            heard.recv(1)
        if not at["no_namespace"]:  # a datagram into a loopback of one's own, where nobody is, is sent and lost
            did = [each for each in did if not (each.startswith("udp ") and each.endswith("127.0.0.1"))]
    return did


def drained(heard: socket.socket) -> bool:
    try:
        return bool(heard.recv(9))
    except BlockingIOError:
        return False


@pytest.mark.parametrize("network", ["local", "none"])
def test_nothing_outside_is_reached(fenced: Fence, harness: dict[str, Any], network: Network) -> None:
    assert attack(fenced, harness, network) == []


def test_the_attack_works_where_there_is_no_fence(
    harness: dict[str, Any], sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    """Else the test above would hold whatever the fence does."""
    did = attack(fence_of(sandboxes("none")), harness, "local")
    assert harness["heard"].recv(9) == b"canary"
    while drained(harness["heard"]):
        pass
    assert {"tcp 127.0.0.1", "udp sendmmsg 127.0.0.1", "udp sendmsg 127.0.0.1", "abstract", "unix"} <= set(did)
    assert {"/proc/harness/environ", "/proc of everybody", "signal", "prlimit", "secret"} <= set(did)
    assert {"unix by a link", "tcp ::ffff:127.0.0.1", "/proc/harness/fd"} <= set(did)
    if os.geteuid() == 0:
        assert {"write /usr/x", "kernel setting", "chown", "root"} <= set(did)


@pytest.mark.parametrize(
    ("network", "outside", "loopback"), [("open", True, True), ("local", False, True), ("none", False, False)]
)
def test_the_network_by_phase(
    fenced: Fence, kind: str, harness: dict[str, Any], network: Network, outside: bool, loopback: bool
) -> None:
    if kind != "container" or network != "open":  # a container's network is a bridge, where 127.0.0.1 is its own
        line = f"(exec 3<>/dev/tcp/127.0.0.1/{harness['port']}) 2>/dev/null && echo reached"
        assert (fenced.says(line, network=network) == "reached") is outside
    own = "s=socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 60); print('own')"
    assert (fenced.says(f'python -c "import socket; {own}" 2>/dev/null', network=network) == "own") is loopback


def test_the_self_test_finds_every_promise_kept(fenced: Fence, kind: str) -> None:
    held = run_self_test(fenced.sandbox, fenced.place)
    assert held.missing == ()
    assert held.uid != 0
    assert held.loopback
    assert held.python == fenced.sandbox.python
    assert (held.seccomp == 2) is (kind == "uid")


def test_the_self_test_names_each_promise_that_is_missing(
    sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    fence = fence_of(sandboxes("none"))
    missing = run_self_test(fence.sandbox, fence.place).missing
    assert "the machine's own loopback is reached" in missing
    assert "the runner's own files can be read" in missing
    assert not run_self_test(fence.sandbox, fence.place).holds


KEPT = SelfTest(
    uid=1000,
    python="3.11.2",
    capabilities=0,
    no_new_privs=True,
    seccomp=0,
    user_namespaces=False,
    landlock=0,
    network_reached=(),
    door_reached=False,
    loopback=True,
    loopback_promised=True,
    harness_visible=False,
    harness_open=False,
    harness_signalled=False,
    secret_read=False,
    machine_written=False,
    processes=4096,
)


@pytest.mark.parametrize(
    "broken",
    [
        {"uid": 0},
        {"capabilities": 1},
        {"no_new_privs": False},
        {"network_reached": ("192.0.2.1:9",)},
        {"door_reached": True},
        {"loopback": False},
        {"harness_open": True},
        {"harness_signalled": True},
        {"secret_read": True},
        {"machine_written": True},
        {"processes": -1},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_each_promise_alone_is_missed(broken: dict[str, Any]) -> None:
    assert KEPT.holds
    assert len(replace(KEPT, **broken).missing) == 1
    assert replace(KEPT, loopback=False, loopback_promised=False).holds, "uid:none promises no loopback"


def test_a_fence_that_does_not_hold_is_not_used(sandboxes: Callable[[str], Sandbox], tmp_path: Path) -> None:
    """The backend without a fence, under the name of one that promises to be one."""
    lying = copy(sandboxes("none"))
    lying.name = "bwrap"
    found = check_fence(lying, tmp_path)
    assert isinstance(found, NoSandbox)
    assert "does not hold what it promises: " in str(found)
    assert "the runner's own files can be read" in str(found)


def test_a_refusal_from_outside_is_a_packet_that_left() -> None:
    """A firewall that answers for the world; loopback stands for it here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert leaves(address)
    assert leaves(address)
    assert not reaches(address)


def test_tmp_lasts_for_a_build_and_is_new_for_a_check(fenced: Fence) -> None:
    fenced.run("echo kept > /tmp/note; echo kept > $TMPDIR/note2")
    assert fenced.says("cat /tmp/note $TMPDIR/note2") == "kept\nkept"
    fresh = Fence(fenced.sandbox, replace(fenced.place, scratch=None))
    assert fresh.run("cat /tmp/note").exit == 1
    fresh.run("echo lost > /tmp/note; echo lost > $TMPDIR/note; mkdir -p /dev/shm/a/b; touch /dev/shm/a/b/c")
    assert fresh.run("cat /tmp/note").exit == 1
    assert fresh.run("cat $TMPDIR/note").exit == 1
    assert fresh.run("ls /dev/shm/a").exit == 2


def test_what_leads_outward_is_given_in_the_open_phase_only(
    make_sandbox: Callable[..., Sandbox], fence_of: Callable[[Sandbox], Fence], directory: Path, kind: str
) -> None:
    wheels = directory / f"wheels-{kind}"
    wheels.mkdir()
    (wheels / "a.whl").write_text("wheel")
    machine = {"PIP_FIND_LINKS": str(wheels), "PIP_INDEX_URL": "https://me:secret@index.test/x"}
    fence = fence_of(make_sandbox(kind, machine))
    assert fence.says("cat $PIP_FIND_LINKS/a.whl", network="open") == "wheel"
    assert fence.run(f"touch {wheels}/b", network="open").exit != 0
    assert fence.says("echo [$PIP_FIND_LINKS]") == "[]"
    if kind != "uid":  # which sees what everybody may read
        assert fence.run(f"cat {wheels}/a.whl").exit != 0
    assert "secret" not in fence.says("env", network="open")


def test_the_two_sides_of_a_proof_are_two_users(
    make_sandbox: Callable[..., Sandbox], fence_of: Callable[[Sandbox], Fence], kind: str
) -> None:
    if os.geteuid() != 0 or kind == "bwrap-one-id":
        pytest.skip("one user id is all there is")
    base, head = (fence_of(make_sandbox(kind, uid_offset=offset)) for offset in (0, 1 << 23))
    base.run("echo mine > file; chmod 666 file")
    assert head.run(f"cat {base.place.workspace}/file").exit != 0
    assert base.says("id -u") != head.says("id -u")


def test_sweeping_does_not_mind_files_of_others_that_go_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gone").touch()
    scanned = list(os.scandir(tmp_path))
    (tmp_path / "gone").unlink()
    (tmp_path / "ours").touch()
    scanned += [each for each in os.scandir(tmp_path) if each.name == "ours"]
    monkeypatch.setattr(os, "scandir", lambda _: iter(scanned))
    sweep(os.getuid(), [str(tmp_path)])
    assert not (tmp_path / "ours").exists()
