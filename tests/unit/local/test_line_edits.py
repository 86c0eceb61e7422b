"""The small programs that edit by line numbers, run as the agent's shell runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.case import line_edits

BEFORE = "one\ntwo\nthree\ntwo\nfive\n"


def run(directory: Path, command: str) -> subprocess.CompletedProcess[str]:
    names = directory / "names"
    names.mkdir()
    (names / "python").symlink_to(sys.executable)
    return subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={"PATH": f"{names}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "after"),
    [
        (line_edits.replace_lines("f", 2, 3, ["2", "3", "3b"], None), "one\n2\n3\n3b\ntwo\nfive\n"),
        (line_edits.replace_lines("f", 2, 3, [], ["two", "three"]), "one\ntwo\nfive\n"),
        (line_edits.replace_lines("f", 2, 2, ["2"], ["two  "]), "one\n2\nthree\ntwo\nfive\n"),
        (line_edits.replace_lines("f", 1, 1, ["3!"], ["three"]), "one\ntwo\n3!\ntwo\nfive\n"),
        (
            line_edits.replace_lines("f", 1, 1, ["END_OF_PROGRAM", "'''\"ä\\"], None),
            "END_OF_PROGRAM\n'''\"ä\\\ntwo\nthree\ntwo\nfive\n",
        ),
        (line_edits.replace_text("f", 3, 5, "two", "2", every=False), "one\ntwo\nthree\n2\nfive\n"),
        (line_edits.replace_text("f", 1, 10**9, "two", "2", every=True), "one\n2\nthree\n2\nfive\n"),
        (line_edits.replace_text("f", 4, 5, "one\ntwo", "1", every=False), "1\nthree\ntwo\nfive\n"),
        (line_edits.insert_lines("f", 0, "zero"), "zero\none\ntwo\nthree\ntwo\nfive\n"),
        (line_edits.insert_lines("f", 5, "six\nseven"), "one\ntwo\nthree\ntwo\nfive\nsix\nseven\n"),
        (line_edits.insert_lines("f", None, "six"), "one\ntwo\nthree\ntwo\nfive\nsix\n"),
        (line_edits.write_file("f", "whole\n"), "whole\n"),
    ],
)
def test_a_file_is_edited(tmp_path: Path, command: str, after: str) -> None:
    (tmp_path / "f").write_text(BEFORE, "utf-8")
    ran = run(tmp_path, command)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "f").read_bytes().decode() == after


@pytest.mark.parametrize(
    "command",
    [
        line_edits.replace_lines("f", 1, 1, ["x"], ["nowhere"]),
        line_edits.replace_lines("f", 1, 1, ["x"], ["two"]),  # stands there twice
        line_edits.replace_text("f", 1, 2, "nowhere", "x", every=False),
    ],
)
def test_an_edit_that_fits_nothing_fails_and_changes_nothing(tmp_path: Path, command: str) -> None:
    (tmp_path / "f").write_text(BEFORE)
    assert run(tmp_path, command).returncode == 1
    assert (tmp_path / "f").read_text() == BEFORE


def test_line_ends_of_another_system_are_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\r\nb\r\nc\r\n")
    assert run(tmp_path, line_edits.replace_lines("f", 2, 2, [], ["b"])).returncode == 0
    assert (tmp_path / "f").read_bytes() == b"a\r\nc\r\n"


def test_a_patch_that_was_handed_over_is_all_that_stays(tmp_path: Path) -> None:
    """Tracked files go back, new ones that the run named go; what the patch names and what set-up made stays."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("right.py", "wrong.py"):
        (tree / name).write_text("before\n")
    git = ["git", "-c", "user.name=octocat", "-c", "user.email=octocat@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *command], cwd=tree, check=True)
    for name in ("right.py", "wrong.py", "new.py", "test_fix.py", "built.so"):
        (tree / name).write_text("after\n")
    (tree / "patch.txt").write_text("--- a/right.py\n+++ b/right.py\n--- /dev/null\n+++ b/new.py\n")
    ran = run(tree, line_edits.keep_what_a_patch_says("patch.txt", ["new.py", "test_fix.py", "patch.txt"]))
    assert ran.returncode == 0, ran.stderr
    left = {path.name: path.read_text() for path in tree.iterdir() if path.is_file()}
    assert left == {"right.py": "after\n", "wrong.py": "before\n", "new.py": "after\n", "built.so": "after\n"}


def test_a_patch_that_names_no_file_takes_nothing_back(tmp_path: Path) -> None:
    (tmp_path / "patch.txt").write_text("")
    assert run(tmp_path, line_edits.keep_what_a_patch_says("patch.txt", ["patch.txt"])).returncode != 0
    assert (tmp_path / "patch.txt").exists()
