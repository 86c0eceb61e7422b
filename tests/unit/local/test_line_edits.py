"""The small programs that edit by line numbers, run as the agent's shell runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.case import line_edits

BEFORE = "one\ntwo\nthree\ntwo\nfive\n"


def run(directory: Path, command: str) -> subprocess.CompletedProcess[str]:
    names = directory.parent / "names"
    names.mkdir(exist_ok=True)
    if not (names / "python").exists():
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


GIT = ["git", "-c", "user.name=octocat", "-c", "user.email=octocat@example.com"]


def git(tree: Path, *command: str) -> str:
    return subprocess.run([*GIT, *command], cwd=tree, check=True, capture_output=True, text=True).stdout


def begun(tree: Path, **files: str) -> Path:
    """A repository of these files, and `built.so` that set-up made, at the first step."""
    tree.mkdir()
    for name, text in files.items():
        (tree / name).write_text(text)
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "base")
    (tree / "built.so").write_text("built\n")
    assert run(tree, line_edits.remember_new_files()).returncode == 0
    return tree


def kept(tree: Path, patch: str) -> dict[str, str]:
    (tree / "patch.txt").write_text(patch)
    ran = run(tree, line_edits.keep_what_a_patch_says("patch.txt"))
    assert ran.returncode == 0, ran.stderr
    files = {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}
    return {name: path.read_bytes().decode() for name, path in files.items() if not name.startswith(".git/")}


def test_a_patch_that_was_handed_over_is_all_that_stays(tmp_path: Path) -> None:
    """Tracked files go back, what is new since the first step goes; what the patch names and what set-up made stays."""
    tree = begun(tmp_path / "tree", right="before\n", wrong="before\n")
    for name in ("right", "wrong", "new", "note", "staged"):
        (tree / name).write_text("after\n")
    git(tree, "add", "staged")
    assert kept(tree, "--- a/right\n+++ b/right\n--- /dev/null\n+++ b/new\n") == {
        "right": "after\n",
        "wrong": "before\n",
        "new": "after\n",
        "built.so": "built\n",
    }


@pytest.mark.parametrize("staged", [True, False])
def test_what_a_patch_says_without_any_line_of_text_stays(tmp_path: Path, staged: bool) -> None:
    """An empty file, a pure rename, bytes, a mode, and names that git quotes or that have blanks."""
    tree = begun(tmp_path / "tree", old="1\n2\n3\n", tool="run\n", **{"naïve a": "x\n", "gone": ""})
    (tree / "pkg").mkdir()
    (tree / "pkg" / "__init__.py").touch()
    (tree / "two words").touch()
    (tree / 'quo"te\t').write_text("q\n")
    (tree / "data.bin").write_bytes(b"\0\1")
    (tree / "naïve a").write_text("y\n")
    (tree / "old").rename(tree / "new")
    (tree / "tool").chmod(0o755)
    (tree / "gone").unlink()
    git(tree, "add", ".")
    git(tree, "reset", "-q", "--", "built.so")
    patch = git(tree, "diff", "--cached", "-M", "HEAD")
    assert "rename from old" in patch
    if not staged:
        git(tree, "reset", "-q")
    files = {"pkg/__init__.py": "", "two words": "", 'quo"te\t': "q\n", "data.bin": "\0\1", "naïve a": "y\n"}
    assert kept(tree, patch) == files | {"new": "1\n2\n3\n", "tool": "run\n", "built.so": "built\n"}
    assert (tree / "tool").stat().st_mode & 0o100


def test_a_rename_that_is_not_in_the_patch_goes_back(tmp_path: Path) -> None:
    tree = begun(tmp_path / "tree", old="1\n", right="1\n")
    git(tree, "mv", "old", "new")
    assert kept(tree, "--- a/right\n+++ b/right\n") == {"old": "1\n", "right": "1\n", "built.so": "built\n"}


def test_the_first_look_at_new_files_holds(tmp_path: Path) -> None:
    """Steps that go on in the same repository begin with files that earlier ones made."""
    tree = begun(tmp_path / "tree", right="1\n")
    (tree / "note").touch()
    assert run(tree, line_edits.remember_new_files()).returncode == 0
    assert kept(tree, "--- a/right\n+++ b/right\n") == {"right": "1\n", "built.so": "built\n"}


def test_new_files_stay_where_nobody_knows_what_set_up_made(tmp_path: Path) -> None:
    tree = begun(tmp_path / "tree", right="1\n", wrong="1\n")
    (tree / ".git" / "new-before-the-steps").unlink()
    (tree / "wrong").write_text("2\n")
    (tree / "patch.txt").write_text("--- a/right\n+++ b/right\n")
    ran = run(tree, line_edits.keep_what_a_patch_says("patch.txt"))
    assert (ran.returncode, "new files stay" in ran.stderr) == (1, True)
    assert ((tree / "wrong").read_text(), (tree / "built.so").exists()) == ("1\n", True)


def test_a_patch_that_names_no_file_takes_nothing_back(tmp_path: Path) -> None:
    (tmp_path / "patch.txt").write_text("")
    assert run(tmp_path, line_edits.keep_what_a_patch_says("patch.txt")).returncode != 0
    assert (tmp_path / "patch.txt").exists()
