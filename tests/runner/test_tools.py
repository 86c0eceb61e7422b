"""The six tools on odd input: what they do, and that a refusal does nothing."""

import contextlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from runner_image.beneath import Beneath, Outside
from runner_image.endings import Stopped
from runner_image.heartbeat import Progress
from runner_image.job import Job
from runner_image.orders import Orders
from runner_image.tools import files
from runner_image.tools.box import run_call
from runner_image.tools.contract import Bench
from runner_image.tools.files import LINE
from runner_image.tools.finish import FinishArgs
from runner_image.workspace import Checkout
from shared.domain.protocol import Call, CallResult, Claimed
from tests.runner.conftest import Fence

OWN = f"persevere-ran-{os.getpid()}"


@pytest.fixture
def bench(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for limit in ("SECONDS", "WRITE_S"):  # how long a busy machine takes to begin is not what is looked at here
        monkeypatch.setattr(files, limit, 300)
    claimed = Claimed.model_validate(
        {
            "token": "t",
            "epoch": 1,
            "job": "j",
            "kind": "build",
            "repository": "octo-org/octo-repo",
            "clone": {"url": "x", "base": "y"},
            "limits": {"seconds": 3600, "command_seconds": 300},
            "criteria": [{"id": "AC-1", "kind": "new", "text": ""}],
        }
    )
    job = Job(claimed, cast(Any, None), Orders(), Progress(), fence.sandbox, tmp_path)
    bench = Bench(job, Checkout(cast(Any, None), tmp_path, fence.place, fence.sandbox))
    tree = fence.place.workspace
    (tmp_path / "secret").write_text("secret\n")
    (tree / "src").mkdir()
    (tree / ".git").mkdir()
    (tree / ".git" / "config").write_text("[core]\n")
    for name, content in {
        "a.py": b"def f():\n    return 1\n\n\ndef g():\n    return 1\n",
        "crlf.txt": b"one\r\ntwo\r\n",
        "mixed.txt": b"one\r\ntwo\n",
        "latin.txt": b"caf\xe9\n",
        "bom.txt": b"\xef\xbb\xbfone\n",
        "binary": b"a\0b",
        "empty": b"",
        "long": b"x" * 2000 + b"\n",
        "many": b"".join(b"line %d of many\n" % n for n in range(1, 2001)),
        "src/b.json": b"{}",
    }.items():
        (tree / name).write_bytes(content)
    (tree / "in").symlink_to("a.py")
    (tree / "out").symlink_to(tmp_path / "secret")
    (tree / "up").symlink_to("../..")
    (tree / "proc").symlink_to("/proc/self/environ")
    os.mkfifo(tree / "pipe")
    fence.sandbox.own(tree)
    return bench


def do(bench: Bench, tool: str, **args: Any) -> CallResult:
    done = run_call(bench, Call(id="0.0", tool=tool, args=args))
    assert isinstance(done, CallResult)
    return done


def tree_of(bench: Bench) -> Path:
    return bench.checkout.tree


def test_an_order_to_leave_ends_no_write_and_is_met_by_what_comes_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write has begun when the order comes, and goes on when the order is there."""
    monkeypatch.setattr(files, "LINE", f"touch begun; while test ! -e ordered; do sleep 0.02; done; {LINE}")

    def order() -> None:
        while not (tree_of(bench) / "begun").exists():
            time.sleep(0.02)
        bench.job.orders.stop("signal")
        (tree_of(bench) / "ordered").touch()

    threading.Thread(target=order, daemon=True).start()
    assert do(bench, "write", path="new", content="whole").status == "ok"
    assert (tree_of(bench) / "new").read_text() == "whole"
    with pytest.raises(Stopped):
        do(bench, "write", path="new", content="more")
    assert (tree_of(bench) / "new").read_text() == "whole"


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "args", "words"),
    [
        ("shell", {"command": "true"}, "There is no tool 'shell'. There are: bash, view, edit, write, prove, finish."),
        ("", {}, "There is no tool ''"),
        ("bash", {}, "command: Field required"),
        ("bash", {"command": 1}, "command: Input should be a valid string"),
        ("bash", {"command": "touch x", "cwd": "/"}, "cwd: Extra inputs are not permitted"),
        ("bash", {"command": "touch x", "timeout_s": 0}, "greater than 0"),
        ("bash", {"command": "  "}, "The command is empty"),
        ("bash", {"command": "touch x\0"}, "zero byte"),
        ("bash", {"command": "touch x #" + "x" * 100_001}, "write a script"),
        ("view", {"path": "none.py"}, "none.py does not exist. the workspace holds:"),
        ("view", {"path": "src/none/x"}, "src holds: b.json"),
        ("view", {"path": "a.py/x"}, "does not exist"),
        ("view", {"path": "a.py", "start": 99}, "a.py has 6 lines"),
        ("view", {"path": "a.py", "start": 0}, "greater than or equal to 1"),
        ("view", {"path": "a.py", "start": 3, "end": 2}, "nothing from 3 to 2"),
        ("view", {"path": "binary"}, "is not text (3 bytes)"),
        ("view", {"path": "pipe"}, "neither a file nor a directory"),
        ("view", {"path": "../secret"}, "not inside the workspace"),
        ("view", {"path": "src/../../secret"}, "not inside the workspace"),
        ("view", {"path": "/etc/passwd"}, "not inside the workspace"),
        ("view", {"path": "out"}, "a link that I do not follow"),
        ("view", {"path": "up/secret"}, "a link that I do not follow"),
        ("view", {"path": "proc"}, "a link that I do not follow"),
        ("view", {"path": ".git/config"}, "leave .git alone"),
        ("write", {"path": "out", "content": "x"}, "a link that I do not follow"),
        ("write", {"path": "up/new", "content": "x"}, "a link that I do not follow"),
        ("write", {"path": "src", "content": "x"}, "is a directory"),
        ("write", {"path": "pipe", "content": "x"}, "pipe"),
        ("write", {"path": ".", "content": "x"}, "the workspace itself"),
        ("write", {"path": "a.py/b", "content": "x"}, "cannot be written: Not a directory"),
        ("write", {"path": ".git/hooks/x", "content": "x"}, "leave .git alone"),
        ("write", {"path": "x" * 300, "content": "x"}, "File name too long"),
        ("edit", {"path": "a.py", "changes": []}, "changes: List should have at least 1 item"),
        ("edit", {"path": "a.py", "changes": [{"old": "", "new": "x"}]}, "empty `old`"),
        (
            "edit",
            {"path": "a.py", "changes": [{"old": "return 1", "new": "return 2"}]},
            "stands 2 times (lines 2, 6), not 1",
        ),
        (
            "edit",
            {"path": "a.py", "changes": [{"old": "return 1", "new": "return 1", "count": 2}]},
            "nothing would change",
        ),
        ("edit", {"path": "a.py", "changes": [{"old": "def h():", "new": "x"}]}, "     1\tdef f():"),
        (
            "edit",
            {"path": "a.py", "changes": [{"old": "def f():\n  return 1", "new": "x"}]},
            "differs in indentation only",
        ),
        ("edit", {"path": "a.py", "changes": [{"old": "DEF f():", "new": "x"}]}, "upper and lower case only"),
        ("edit", {"path": "a.py", "changes": [{"old": "q" * 40, "new": "x"}]}, "No line of the file is like it"),
        (
            "edit",
            {"path": "a.py", "changes": [{"old": "def f", "new": "def k"}, {"old": "zzzz", "new": ""}]},
            "Change 2 of 2",
        ),
        ("edit", {"path": "none", "changes": [{"old": "a", "new": "b"}]}, "Use write to make it"),
        ("edit", {"path": "src", "changes": [{"old": "a", "new": "b"}]}, "is a directory"),
        ("edit", {"path": "out", "changes": [{"old": "secret", "new": "b"}]}, "a link that I do not follow"),
        ("edit", {"path": "binary", "changes": [{"old": "a", "new": "b"}]}, "is not text"),
        ("edit", {"path": "latin.txt", "changes": [{"old": "caf", "new": "\N{SNOWMAN}"}]}, "is latin-1, which has no"),
        ("prove", {"criterion": "AC-9", "command": "touch x"}, "There is no criterion 'AC-9'. There are: AC-1."),
        ("prove", {"criterion": "AC-1", "command": ""}, "The command is empty"),
        ("finish", {"summary": ""}, "The summary is empty"),
        ("finish", {"summary": "x", "unmet": ["AC-1", "AC-8"]}, "unmet names AC-8"),
        ("finish", {"unmet": []}, "summary: Field required"),
    ],
)
def test_a_refusal_says_why_and_does_nothing(
    bench: Bench, tmp_path: Path, tool: str, args: dict[str, Any], words: str
) -> None:
    before = {path: path.read_bytes() for path in sorted(tree_of(bench).rglob("*")) if path.is_file()}
    result = do(bench, tool, **args)
    assert result.status == "refused"
    assert words in result.text
    assert {path: path.read_bytes() for path in sorted(tree_of(bench).rglob("*")) if path.is_file()} == before
    assert (tmp_path / "secret").read_text() == "secret\n"


# --- what they do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "changes", "after"),
    [
        (
            "a.py",
            [{"old": "return 1", "new": "return 2", "count": 2}],
            b"def f():\n    return 2\n\n\ndef g():\n    return 2\n",
        ),
        (
            "a.py",
            [{"old": "f()", "new": "h()"}, {"old": "def h", "new": "def i"}],
            b"def i():\n    return 1\n\n\ndef g():\n    return 1\n",
        ),
        ("crlf.txt", [{"old": "one\ntwo", "new": "1\n2\n3"}], b"1\r\n2\r\n3\r\n"),
        ("crlf.txt", [{"old": "one\r\ntwo", "new": "1\r\n2"}], b"1\r\n2\r\n"),
        ("mixed.txt", [{"old": "two", "new": "2"}], b"one\r\n2\n"),
        ("latin.txt", [{"old": "caf\xe9", "new": "th\xe9"}], b"th\xe9\n"),
        ("bom.txt", [{"old": "one", "new": "two"}], b"\xef\xbb\xbftwo\n"),
        ("in", [{"old": "def f", "new": "def h"}], None),
    ],
)
def test_an_edit_keeps_everything_else(
    bench: Bench, path: str, changes: list[dict[str, Any]], after: bytes | None
) -> None:
    (tree_of(bench) / path).chmod(0o755)
    assert do(bench, "edit", path=path, changes=changes).status == "ok"
    if after is None:
        assert (tree_of(bench) / "in").is_symlink()
        after = b"def h():\n    return 1\n\n\ndef g():\n    return 1\n"
    assert (tree_of(bench) / path).read_bytes() == after
    assert (tree_of(bench) / path).stat().st_mode & 0o777 == 0o755


def test_syntax_is_told_and_not_refused(bench: Bench) -> None:
    said = do(bench, "edit", path="a.py", changes=[{"old": "def f():", "new": "def f(:"}])
    assert said.status == "ok"
    assert "it does not parse now: line 1" in said.text
    assert "does not parse" in do(bench, "write", path="x.json", content="{").text
    assert "parse" not in do(bench, "write", path="x.py", content="x = 1\n").text


def test_write_makes_directories_and_belongs_to_whoever_runs_commands(bench: Bench) -> None:
    assert do(bench, "write", path="new/deep/x.txt", content="caf\xe9\n").text == "new/deep/x.txt written, 6 bytes."
    assert do(bench, "bash", command="echo more >> new/deep/x.txt && rm -r new").status == "ok"


def test_view_numbers_lines_and_says_how_to_go_on(bench: Bench) -> None:
    assert do(bench, "view", path="a.py", start=2, end=2).text == "     2\t    return 1\n[lines 2-2 of 6]"
    assert do(bench, "view", path="in").text.startswith("     1\tdef f():")
    assert do(bench, "view", path="empty").text == "empty is empty."
    assert "[... 1,500 more characters]" in do(bench, "view", path="long").text
    assert do(bench, "view", path="crlf.txt").text == "     1\tone\n     2\ttwo"
    many = do(bench, "view", path="many").text
    assert len(many) <= 12_000
    assert "of 2,000; go on with start=" in many
    assert do(bench, "view", path="src").text == "b.json"
    root = bench.checkout.sandbox.workspace_path(bench.checkout.place)
    assert ".git" not in do(bench, "view", path=root).text.split("\n")
    assert do(bench, "view", path=f"{root}/src/b.json").text == "     1\t{}"


def test_bash_says_how_it_ended(bench: Bench) -> None:
    assert do(bench, "bash", command="echo a; exit 3").model_dump(include={"status", "exit", "text", "bytes"}) == {
        "status": "error",
        "exit": 3,
        "text": "a\n[exit code 3]",
        "bytes": 2,
    }
    for seconds in (0.3, 3, 30):  # a machine that has not even begun by then is given more
        late = do(bench, "bash", command="echo a; sleep 4718", timeout_s=seconds)
        assert (late.status, late.exit) == ("timeout", None)
        if late.text.startswith("a\n"):
            break
    assert late.text.startswith("a\n[ended after")
    assert do(bench, "bash", command="printf '\\033[31mred\\033[0m \\377 1%%\\r99%%\\n'").text.startswith("99%\n")
    assert do(bench, "bash", command="printf '\\033[31mred\\033[0m \\377\\n'").text.startswith(
        "red \N{REPLACEMENT CHARACTER}\n"
    )


def test_prove_says_whether_it_passes(bench: Bench) -> None:
    passes = do(bench, "prove", criterion="AC-1", command="test -e a.py")
    assert passes.data == {"criterion": "AC-1", "command": "test -e a.py", "passed": True}
    assert "AC-1 passes by this command" in passes.text
    assert do(bench, "prove", criterion="AC-1", command="false").data["passed"] is False


def test_finish_is_the_last_word(bench: Bench) -> None:
    done = run_call(bench, Call(id="0.0", tool="finish", args={"summary": "s", "unmet": ["AC-1"]}))
    assert done == FinishArgs(summary="s", unmet=["AC-1"])


def test_without_openat2_links_are_not_followed_at_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    line = LINE.replace("SYS_OPENAT2 = 437", "SYS_OPENAT2 = 100_000")  # a call that no kernel has
    assert line != LINE
    monkeypatch.setattr("runner_image.tools.files.LINE", line)
    for path in ("out", "up/secret", "proc", "in"):
        assert "a link that I do not follow" in do(bench, "view", path=path).text
    assert do(bench, "view", path="src/b.json").text == "     1\t{}"
    assert do(bench, "write", path="src/deep/x", content="x").status == "ok"


# --- the inside ------------------------------------------------------------------------------------------------


def test_what_a_repository_puts_in_pythons_way_is_not_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that the program imports, in the workspace and at home; start-up files; another python first on the way."""
    evil = f"import pathlib; pathlib.Path('/tmp/{OWN}').touch(); pathlib.Path('ran').touch()\n"
    script = "\n".join(
        [
            *(f"printf %s {evil!r} > {name}.py" for name in ("json", "os", "sitecustomize", "usercustomize", "ctypes")),
            "mkdir -p ~/bin ~/.local/lib bin; printf '#!/bin/sh\\ntouch ran' > bin/python; chmod +x bin/python",
            "cp bin/python python; cp bin/python python3; cp bin/python ~/bin/; cp *.py ~/; cp bin/python ~/.bashrc",
            "cp ~/.bashrc ~/.profile; cp ~/.bashrc ~/.bash_profile; printf 'home = /workspace\\n' > pyvenv.cfg",
            "rm -f ran",
        ]
    )
    assert do(bench, "bash", command=script).status == "ok"
    assert do(bench, "view", path="a.py").text.startswith("     1\tdef f():")
    assert do(bench, "write", path="b.py", content="x = 1\n").text == "b.py written, 6 bytes."
    assert not (tree_of(bench) / "ran").exists()
    assert do(bench, "bash", command=f"test ! -e /tmp/{OWN}").status == "ok"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="nothing"),
        pytest.param("x", id="no word with a value"),
        pytest.param("bytes=5 written=1", id="less than promised"),
        pytest.param("bytes=-1 written=1", id="a size below nothing"),
        pytest.param("bytes=0 written=1 more=1", id="a field that there is not"),
        pytest.param("bytes=0 written=1 errno=two", id="a text for a number"),
        pytest.param("bytes=0 outside=6g", id="a text that is no hex"),
        pytest.param("bytes=0 outside=6", id="half a letter"),
        pytest.param("bytes=0", id="not that it wrote"),
        pytest.param("a=" * 30_000, id="a word without end"),
        pytest.param("\\377\\376", id="no UTF-8"),
        pytest.param("bytes=0 written=1\n" + "x" * 90_000, id="nothing written, much said"),
    ],
)
def test_an_answer_from_inside_is_not_believed(bench: Bench, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    (bench.checkout.tree / "said").write_bytes(said.encode())
    bench.checkout.sandbox.own(bench.checkout.tree)
    monkeypatch.setattr("runner_image.tools.files.LINE", "cat said")
    assert do(bench, "write", path="x", content="x").status == "error"
    assert not (tree_of(bench) / "x").exists()


def test_nothing_gets_out_while_a_thread_swaps_a_directory_for_a_link(bench: Bench, tmp_path: Path) -> None:
    """The program itself beside a thread that never stops swapping; outside nothing is read or written."""
    tree = tree_of(bench)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "x").write_text("secret\n")
    (tree / "d").mkdir()
    (tree / "d" / "x").write_text("mine\n")
    over = threading.Event()

    def swap() -> None:
        steps: tuple[Callable[[], object], ...] = (
            lambda: (tree / "d").rename(tree / "real"),
            lambda: (tree / "d").symlink_to(outside),
            (tree / "d").unlink,
            lambda: (tree / "real").rename(tree / "d"),
        )
        while not over.is_set():
            for step in steps:
                with contextlib.suppress(OSError):  # a write made the directory anew meanwhile
                    step()
            if (tree / "real").exists():  # and there it would stay, so that nothing were swapped any more
                shutil.rmtree(tree / "d", ignore_errors=True)
            over.wait(0.0001)

    swapping = threading.Thread(target=swap)
    swapping.start()
    # By what was met, not by a count of tries: on a busy machine either state may last for hundreds of them.
    met, until = Counter[str](), time.monotonic() + 60
    try:
        files = Beneath(tree)
        while min(met["read"], met["written"], met["refused"]) < 50 and time.monotonic() < until:
            try:
                assert files.read(b"d/x", 100) in (b"mine\n", b"new\n")
                met["read"] += 1
                files.write(b"d/x", b"new\n")
                met["written"] += 1
            except Outside:
                met["refused"] += 1
            except (FileNotFoundError, NotADirectoryError, FileExistsError):
                continue
    finally:
        over.set()
        swapping.join()
    assert met["read"] and met["written"] and met["refused"], met
    assert (outside / "x").read_text() == "secret\n"
    assert sorted(each.name for each in outside.iterdir()) == ["x"]


def test_a_write_is_whole_or_not_at_all_and_leaves_nothing_beside_it(bench: Bench) -> None:
    tree = tree_of(bench)
    (tree / "twin").hardlink_to(tree / "a.py")
    before = (tree / "a.py").stat()
    (tree / "a.py").chmod(0o640)
    assert do(bench, "write", path="a.py", content="x = 1\n").status == "ok"
    after = (tree / "a.py").stat()
    assert (after.st_mode & 0o777, after.st_uid) == (0o640, before.st_uid)
    assert (tree / "twin").read_bytes().startswith(b"def f")  # the old file is as it was: it was not written into
    (tree / "ends").symlink_to("not-yet")
    assert do(bench, "write", path="ends", content="x").status == "ok"
    assert (tree / "not-yet").read_text() == "x"
    assert (tree / "ends").is_symlink()
    assert not [each.name for each in tree.iterdir() if each.name.startswith(".persevere")]


def test_what_lies_where_long_output_is_kept_costs_that_output_alone(bench: Bench) -> None:
    """A directory in its place goes; a link in its place is replaced, and what it names is left as it was."""
    line = "mkdir -p $TMPDIR/output-1.txt/x; ln -s $PWD/a.py $TMPDIR/output-2.txt; seq 1 20000"
    api = type("Api", (), {"store_file": lambda *_: "0" * 64})()
    job = replace(bench.job, api=api)
    bench = replace(bench, job=job)
    for number in (1, 2):
        said = do(bench, "bash", command=line if number == 1 else "seq 1 20000")
        assert f"output-{number}.txt" in said.text
    scratch = bench.checkout.place.scratch
    assert scratch is not None
    assert (scratch / "output-2.txt").read_text().startswith("1\n2\n")
    assert not (scratch / "output-2.txt").is_symlink()
    assert (tree_of(bench) / "a.py").read_bytes().startswith(b"def f")


def test_a_directory_of_any_depth_goes_with_two_descriptors(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=at)
        deeper = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = deeper
    os.close(at)
    Beneath(tmp_path).remove(b"d")
    assert list(tmp_path.iterdir()) == []
