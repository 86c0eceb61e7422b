"""No text of the repository names the machine that it was written on, or where packages come from."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FOREIGN = re.compile(
    r"(?<![\w.}~*-])/(?:work|root)/"  # a path of one machine; below another directory it is none
    r"|/opt/(?:pypi|wheels)|/tmp/[p]/"
    r"|pypi\.org/simple|files\.pythonhosted|registry\.npmjs"
    r"|\b(?:DESIGN|CONTRACTS)(?:\.md| §)"
)


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Every text of the repository: what git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            try:
                yield path, path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:  # a picture
                continue


def test_no_text_names_a_machine_or_a_registry_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
        for path, text in tracked_texts()
        for hit in FOREIGN.finditer(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word", "foreign"),
    [
        ("cd /WORD/main", "work", True),
        ('"/WORD/.cache"', "root", True),
        ("{tmp}/WORD/base", "work", False),
        ("homework/WORD", "root", False),
        ("see WORD.md", "DESIGN", True),
        ("by WORD", "DESIGN", False),
    ],
)
def test_what_counts_as_foreign(text: str, word: str, foreign: bool) -> None:
    assert bool(FOREIGN.search(text.replace("WORD", word))) is foreign
