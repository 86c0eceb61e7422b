"""What every backend promises, with a fence or without: how a command runs, how it ends, what is left of it."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_image.sandbox import memory, scarce
from runner_image.sandbox.contract import Command, Sandbox
from runner_image.sandbox.interpreter import find_interpreter
from tests.runner.conftest import Fence
from tests.runner.sandbox.conftest import FENCES
from tests.runner.sandbox.processes import gone

NAP = f"4711.{os.getpid()}"
"""Seconds to sleep, and a word that no other process of the suite has among its arguments."""


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
        ("touch plain; ./plain", 126),
    ],
)
def test_the_exit_code_is_the_shells(fence: Fence, line: str, exit_code: int) -> None:
    ran = fence.run(line)
    assert (ran.end, ran.exit) == ("exited", exit_code)


def test_it_runs_in_the_workspace_with_its_input_closed(fence: Fence) -> None:
    assert fence.says("pwd") == fence.sandbox.workspace_path(fence.place)
    assert fence.says("wc -c") == "0"
    fence.run("echo made > file")
    assert (fence.place.workspace / "file").read_text() == "made\n"


@pytest.mark.parametrize("kind", ["bwrap", "bwrap-one-id", "uid"])
def test_a_narrow_umask_of_ours_hides_nothing_that_a_command_needs(
    kind: str, make_sandbox: Callable[..., Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    before = os.umask(0o077)
    try:
        fence = fence_of(make_sandbox(kind))
        said = fence.says("python -c 'import ssl; ssl.create_default_context(); print(1)'; cat /etc/os-release | wc -l")
    finally:
        os.umask(before)
    first, lines = said.split()
    assert (first, int(lines) > 1) == ("1", True)


def test_its_input_is_what_it_is_given(fence: Fence) -> None:
    given = b"\0\xff line\n" * 100_000
    assert fence.says("wc -c", stdin=given) == str(len(given))
    assert fence.says("head -c 2 >/dev/null; echo left the rest", stdin=given) == "left the rest"
    assert fence.says("cat /dev/stdin", stdin=b"by name") == "by name"


def test_its_streams_can_be_opened_again_by_name(fence: Fence) -> None:
    assert fence.says("echo out >/dev/stdout; echo err >/dev/stderr; tee /dev/fd/1 </dev/null") == "out\nerr"


def test_python_is_one_and_the_same_by_every_name(fence: Fence) -> None:
    version = fence.sandbox.python
    for name in ("python", "python3", "python" + ".".join(version.split(".")[:2]), "/usr/bin/env python"):
        assert fence.says(f"{name} -c 'import platform; print(platform.python_version())'") == version


@pytest.mark.parametrize("kind", ["bwrap", "none"])
def test_python_is_the_chosen_one_where_it_can_be(
    kind: str, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    assert (
        fence_of(sandboxes(kind)).says("python -c 'import sys; print(sys.base_prefix)'")
        == find_interpreter(None).prefixes[0]
    )


def test_a_virtual_environment_works(fence: Fence) -> None:
    line = "python -m venv --without-pip .venv && .venv/bin/python -c 'import sys, ssl; print(sys.prefix)'"
    assert fence.says(line).endswith("/.venv")


@pytest.mark.parametrize("kind", [*FENCES, "none"])
def test_the_environment_is_clean(
    kind: str, make_sandbox: Callable[..., Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    secrets = {"HOME": "/nonexistent", "AWS_SECRET_ACCESS_KEY": "canary", "PERSEVERE_TICKET": "canary"}
    fence = fence_of(make_sandbox(kind, secrets))
    assert "canary" not in fence.says("env; cat /proc/self/environ")
    given = fence.run("echo $OWN:$PATH", environment={"OWN": "yes", "PATH": "/own"}).output.text()
    assert given.startswith("yes:")
    assert given.strip().endswith(":/own")


def test_no_variable_of_the_repository_reaches_what_makes_the_fence(fenced: Fence, directory: Path) -> None:
    """A library that the loader would load is looked for when it is named; the note of that would be outside."""
    named = {"LD_PRELOAD": str(directory / "evil.so"), "LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": f"{directory}/loaded"}
    ran = fenced.run("echo $LD_DEBUG", environment=named)
    assert "libs" in ran.output.text()
    assert not list(directory.glob("loaded*"))


def test_a_time_out_ends_the_whole_tree(fence: Fence) -> None:
    for seconds in (0.5, 5, 50):  # a machine that has not even begun by then is given more
        ran = fence.run(f"sleep {NAP}1 & (setsid sleep {NAP}1 &) ; echo begun; sleep {NAP}1", seconds=seconds)
        assert (ran.end, ran.exit) == ("timeout", None)
        if ran.output.text() == "begun\n":
            break
    assert ran.output.text() == "begun\n"
    assert gone(f"{NAP}1")


def test_a_daemon_is_ended_with_its_command(fence: Fence) -> None:
    ran = fence.run(f"(setsid nohup sleep {NAP}2 >/dev/null 2>&1 &); env -i setsid -f sleep {NAP}2; echo left")
    assert ran.output.text() == "left\n"
    assert gone(f"{NAP}2")


def test_memory_that_outlives_its_maker_is_removed_with_the_command(fenced: Fence) -> None:
    key = (
        0x47130000 + os.getpid() % 0x10000
    )  # one backend shares them with the machine, where others may test this, too
    made = f"l.shmget({key}, 4096, 0o1600), l.semget({key}, 1, 0o1600), l.msgget({key}, 0o1600)"
    found = f"l.shmget({key}, 0, 0), l.semget({key}, 0, 0), l.msgget({key}, 0)"
    said = [fenced.says(f"python -c 'import ctypes; l = ctypes.CDLL(None); print({each})'") for each in (made, found)]
    assert "-1" not in said[0]
    assert said[1] == "-1 -1 -1"


def test_a_background_child_that_holds_the_pipe_does_not_hang_the_call(fence: Fence) -> None:
    ran = fence.run(f"sleep {NAP}5 & echo hi")
    assert (ran.end, ran.exit, ran.output.text()) == ("exited", 0, "hi\n")
    assert gone(f"{NAP}5")


@pytest.mark.parametrize("kind", [*FENCES, "none"])
def test_a_kill_from_another_thread_is_obeyed_at_once_and_for_good(
    kind: str, make_sandbox: Callable[..., Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    fence = fence_of(make_sandbox(kind))

    def kill() -> None:
        while not (fence.place.workspace / "begun").exists():
            time.sleep(0.02)
        fence.sandbox.kill()

    threading.Thread(target=kill, daemon=True).start()
    ran = fence.run(f"(setsid sleep {NAP}3 &); echo begun; touch begun; sleep {NAP}3")
    assert (ran.end, ran.exit) == ("killed", None)
    assert ran.output.text() == "begun\n"
    assert gone(f"{NAP}3")
    assert fence.run("echo again").end == "killed"


def test_output_is_bounded_in_memory_and_in_the_file(fence: Fence, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    ran = fence.run(
        "head -c 20000000 /dev/zero | tr '\\0' 'x'; echo; echo the end", spool=spool, output_bytes=1_000_000
    )
    assert ran.exit == 0
    assert ran.output.size == 20_000_009
    assert spool.stat().st_size == ran.output.kept == 1_000_000
    assert len(ran.output.head) + len(ran.output.tail) < 1_000_000
    text = ran.output.text()
    assert len(text) < 13_000
    assert text.endswith("the end\n")
    assert "bytes left out here" in text


BOMB = f"""python -c "
import os
made = 0
try:
    while made < 200:
        if os.fork() == 0: os.execvp('sleep', ['sleep', '{NAP}4'])
        made += 1
except OSError as error:
    print(made < 40, error.strerror)
" """


def test_a_fork_bomb_is_bounded_and_ended(fenced: Fence, kind: str) -> None:
    sandbox: Any = fenced.sandbox
    ran = sandbox.run(fenced.place, Command(BOMB, 300), processes=40)
    # The kernel does not count root's processes, which they are where root has one id only: there they are but ended.
    counted = kind != "bwrap-one-id" or os.geteuid() != 0
    assert ran.output.text() == ("True Resource temporarily unavailable\n" if counted else "")
    assert gone(f"{NAP}4")


def test_a_file_has_a_limit(fenced: Fence) -> None:
    ran = fenced.run("ulimit -f; truncate -s 20G big && echo made")
    assert "made" not in ran.output.text()
    assert not (fenced.place.workspace / "big").exists() or (fenced.place.workspace / "big").stat().st_size < 20 << 30


@pytest.fixture
def disk_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each workspace had a disk with room for 520 MB and 60,000 files: what others do on the machine's counts not."""

    def look(self: scarce.Watch) -> os.statvfs_result:
        found = [path for path in self._workspace.rglob("*") if not path.is_dir()]
        taken = sum(path.lstat().st_size for path in found) >> 12
        free = (520 << 8) - taken
        return os.statvfs_result((4096, 4096, 1 << 20, free, free, 2_000_000, *[60_000 - len(found)] * 2, 0, 255))

    monkeypatch.setattr(scarce.Watch, "_look_at_disk", look)


@pytest.mark.usefixtures("disk_of_its_own")
def test_what_fills_the_disk_is_ended_and_told(fence: Fence) -> None:
    ran = fence.run("while true; do head -c 1000000 /dev/zero >> big; sleep 0.01; done")
    assert (ran.end, ran.exit) == ("exited", 137)
    assert "of the disk were left" in ran.output.text()


@pytest.mark.parametrize("kind", ["none"])
def test_a_command_that_removes_its_workspace_is_a_command_like_others(
    kind: str, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    fence = fence_of(sandboxes(kind))
    assert fence.run('rm -rf "$PWD"; sleep 0.6; echo done').output.text() == "done\n"
    assert fence.run("true").end == "unstarted"


@pytest.mark.usefixtures("disk_of_its_own")
@pytest.mark.parametrize(
    ("limit", "most", "words"),
    [
        ("TAKEN_FILES", 3_000, "more than 3,000 files were made"),
        ("FREE_FILES", 58_000, "room for less than 58,000 more files"),
    ],
)
def test_what_makes_files_without_end_is_ended_and_told(
    fence: Fence, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, words: str
) -> None:
    monkeypatch.setattr(scarce, limit, most)
    line = "n=0; while true; do n=$((n+1)); mkdir $n; touch $n/a$n-{1..999}; sleep 0.05; done"
    ran = fence.run(f"bash -c '{line}'")
    assert (ran.end, ran.exit) == ("exited", 137)
    assert words in ran.output.text()


EATER = """python -c "
import time
held = []
for _ in range(60):
    held.append(b'x' * (10 << 20))
    time.sleep(0.01)
time.sleep(4715)
" """


@pytest.fixture
def short_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 1 GB of which 150 MB are left, whatever anybody takes."""
    (tmp_path / "meminfo").write_text("MemTotal: 1000000 kB\nMemAvailable: 150000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "none")


@pytest.mark.usefixtures("short_of_memory")
@pytest.mark.parametrize("kind", ["bwrap", "bwrap-one-id", "uid", "none"])
@pytest.mark.parametrize("line", [EATER, f"(setsid {EATER} &) ; sleep 4715"], ids=["itself", "daemon"])
def test_what_eats_the_memory_is_ended_and_told(
    kind: str, line: str, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    ran = fence_of(sandboxes(kind)).run(line)
    assert (ran.end, ran.exit) == ("exited", 137)
    assert "MB of memory, and less than 256 of 976 MB were left" in ran.output.text()


@pytest.mark.usefixtures("short_of_memory")
def test_memory_that_others_take_ends_no_command(fence: Fence) -> None:
    assert fence.run("sleep 1; echo fine").output.text() == "fine\n"


@pytest.mark.usefixtures("short_of_memory")
@pytest.mark.parametrize("kind", ["bwrap", "bwrap-one-id"])
def test_files_in_memory_that_a_command_fills_count_as_held(
    kind: str, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> None:
    ran = fence_of(sandboxes(kind)).run("head -c 200000000 /dev/zero > /dev/shm/much; sleep 4715")
    assert (ran.end, ran.exit) == ("exited", 137)


@pytest.mark.usefixtures("short_of_memory")
def test_files_in_memory_that_others_fill_end_no_command(fenced: Fence) -> None:
    much = Path(f"/dev/shm/persevere-test-{os.getpid()}")
    begun = fenced.place.workspace / "begun"
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(fenced.says("touch begun; sleep 3; echo fine")))
    try:
        thread.start()
        while not begun.exists() and thread.is_alive():
            time.sleep(0.02)
        much.write_bytes(bytes(200_000_000))
        thread.join()
    finally:
        much.unlink(missing_ok=True)
    assert said == ["fine"]


@pytest.mark.parametrize(("active", "ended"), [(2_600 << 20, False), (0, True)])
def test_what_the_kernel_keeps_of_files_that_were_read_is_not_taken_for_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, active: int, ended: bool
) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.max").write_text(str(4 << 30))
    (group / "memory.current").write_text(str(3_950 << 20))
    (group / "memory.stat").write_text(f"anon 1\ninactive_file 1000\nactive_file {active}\nslab_reclaimable 1000\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/group\n")
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 12000000 kB\n")
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    room = memory.look()
    assert room is not None
    assert room.is_short is ended


ORDINARY: Mapping[str, str] = {
    "bash": "diff <(seq 3) <(printf '1\\n2\\n3\\n') && [[ abc =~ b ]] && echo fine",
    "threads": "import threading as t; x=[t.Thread(target=print, args=('fine',)) for _ in range(2)]; "
    "[a.start() for a in x]; [a.join() for a in x]",
    "subprocess": "import subprocess as s; print(s.run(['echo', 'fine'], capture_output=True, text=True).stdout)",
    "multiprocessing": "import multiprocessing as m\nif __name__ == '__main__':\n"
    " with m.Pool(2) as p: print(p.map(len, ['fine']) and 'fine')",
    "manager": "import multiprocessing as m\nif __name__ == '__main__':\n"
    " with m.Manager() as manager: d = manager.dict(a='fine'); print(d['a'])",
    "forkserver": "import multiprocessing as m\nif __name__ == '__main__':\n c = m.get_context('forkserver')\n"
    " p = c.Process(target=print, args=('fine',)); p.start(); p.join()",
    "git": "git init -q . && git -c user.name=o -c user.email=o@example.com commit -q --allow-empty -m x "
    "&& git clone -q . ~/copy && git -C ~/copy status && echo fine",
    "tcp": "import socket as s; l = s.create_server(('127.0.0.1', 0)); c = s.create_connection(l.getsockname()); "
    "a = l.accept()[0]; a.sendall(b'fine'); print(c.recv(9).decode())",
    "tcp-everywhere": "import socket as s; l = s.create_server(('', 0)); "
    "c = s.create_connection(('localhost', l.getsockname()[1])); a = l.accept()[0]; a.sendall(b'fine'); "
    "print(c.recv(9).decode())",
    "tcp-both": "import socket as s\nl = s.create_server(('::', 0), family=s.AF_INET6, dualstack_ipv6=True)\n"
    "p = l.getsockname()[1]\nfor h in ('127.0.0.1', '::1'): s.create_connection((h, p)).close()\nprint('fine')",
    "udp": "import socket as s; a = s.socket(type=s.SOCK_DGRAM); a.bind(('127.0.0.1', 0)); "
    "b = s.socket(type=s.SOCK_DGRAM); b.sendto(b'fi', a.getsockname()); d, f = a.recvfrom(9); a.sendto(d + b'ne', f); "
    "print(b.recv(9).decode())",
    "udp-message": "import socket as s; a = s.socket(type=s.SOCK_DGRAM); a.bind(('127.0.0.1', 0)); "
    "b = s.socket(type=s.SOCK_DGRAM); b.sendmsg([b'fi', b'ne'], [], 0, a.getsockname()); print(a.recv(9).decode())",
    "socketpair": "import socket as s; a, b = s.socketpair(); a.sendmsg([b'fine']); print(b.recv(9).decode())",
    "unix-path": "import socket as s; l = s.socket(s.AF_UNIX); l.bind('door'); l.listen(); c = s.socket(s.AF_UNIX); "
    "c.connect('door'); a = l.accept()[0]; a.sendall(b'fine'); print(c.recv(9).decode())",
    "unix-datagram": "import os, socket as s; l = s.socket(s.AF_UNIX, s.SOCK_DGRAM); l.bind(os.getcwd() + '/d'); "
    "s.socket(s.AF_UNIX, s.SOCK_DGRAM).sendto(b'fine', os.getcwd() + '/d'); print(l.recv(9).decode())",
    "unix-abstract": "import socket as s; l = s.socket(s.AF_UNIX); l.bind(b'\\0own'); l.listen(); "
    "c = s.socket(s.AF_UNIX); c.connect(b'\\0own'); a = l.accept()[0]; a.sendall(b'fine'); print(c.recv(9).decode())",
    "descriptors": "import os, socket as s; a, b = s.socketpair(s.AF_UNIX); r, w = os.pipe(); "
    "s.send_fds(a, [b'x'], [w]); os.write(s.recv_fds(b, 1, 1)[1][0], b'fine'); print(os.read(r, 9).decode())",
    "asyncio": "import asyncio as a\nasync def main():\n"
    " async def serve(r, w): w.write(b'fine'); await w.drain(); w.close()\n"
    " async with await a.start_server(serve, '127.0.0.1', 0) as s:\n"
    "  r, w = await a.open_connection(*s.sockets[0].getsockname()); print((await r.read()).decode())\n"
    "a.run(main())",
    "http": "import threading, urllib.request as u, http.server as h\n"
    "s = h.ThreadingHTTPServer(('', 0), h.SimpleHTTPRequestHandler); threading.Thread(target=s.serve_forever, "
    "daemon=True).start()\nprint(u.urlopen(f'http://localhost:{s.server_port}/').status == 200 and 'fine')",
}


def write_ordinary(workspace: Path) -> str:
    """All that a test suite does every day, as one script that names what did not work."""
    lines = []
    for name, work in ORDINARY.items():
        if name in ("bash", "git"):
            (workspace / f"{name}.sh").write_text(work)
            run = f"bash {name}.sh"
        else:
            (workspace / f"{name.replace('-', '_')}_.py").write_text(work)
            run = f"python {name.replace('-', '_')}_.py"
        lines.append(f"{run} > said 2>&1; grep -q fine said || {{ echo {name}:; cat said; }}")
    return "\n".join(lines)


def test_ordinary_work_runs(fenced: Fence) -> None:
    line = write_ordinary(fenced.place.workspace)
    fenced.sandbox.own(fenced.place.workspace)
    ran = fenced.run(line)
    assert (ran.end, ran.output.text()) == ("exited", "")


def test_node_runs(fenced: Fence) -> None:
    if fenced.run("node --version").exit != 0:
        pytest.skip("no node inside")
    script = (
        "const n = require('net'); const s = n.createServer(c => c.end('fine')).listen(0, () => "
        "n.connect(s.address().port, 'localhost').on('data', d => { console.log(String(d)); process.exit(0) }))"
    )
    assert fenced.says(f'node -e "{script}"') == "fine"


def test_pytest_runs(fenced: Fence, packages: Path) -> None:
    tree = fenced.place.workspace
    (tree / "test_it.py").write_text("def test_it(tmp_path): (tmp_path / 'x').write_text('y')\n")
    import shutil

    shutil.copytree(packages, tree / "lib")
    fenced.sandbox.own(tree)
    ran = fenced.run("PYTHONPATH=lib python -m pytest -q -p no:cacheprovider test_it.py")
    assert "1 passed" in ran.output.text()
