"""Which untracked files are no part of a change: the base's own ignore rules, as one list of patterns.

git reads `.gitignore` files from the work tree, where the agent may have changed them. So the base's are read from its
tree and rewritten as patterns of the root (gitignore(5)): deeper files later, since the last match decides.
"""

from __future__ import annotations

import re

from runner_image.git import Git, read_blobs

# What tools leave behind whether or not a repository says so. First, so that a repository may say otherwise.
OURS = b"""__pycache__/
*.py[co]
.pytest_cache/
.mypy_cache/
.ruff_cache/
.hypothesis/
.tox/
.nox/
.venv/
.coverage
*.egg-info/
node_modules/
.DS_Store
"""
SPECIAL = re.compile(rb"([\\*?\[\] !#])")


def base_rules(git: Git, commit: str) -> bytes:
    """The text of an exclude file that means what ours and all of the commit's `.gitignore` files mean."""
    found = {}
    for row in git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        about, _, path = row.partition(b"\t")
        if path.rpartition(b"/")[2] == b".gitignore" and about.startswith(b"100"):
            found[path.rpartition(b"/")[0]] = about.split()[2].decode()
    texts = read_blobs(git, found.values())
    ordered = sorted(found.items(), key=lambda each: (each[0].count(b"/") + bool(each[0]), each[0]))
    return OURS + b"".join(rules_from_root(directory, texts[blob]) for directory, blob in ordered)


def rules_from_root(directory: bytes, text: bytes) -> bytes:
    """The rules of `directory`'s ignore file as rules of the root; `directory` is b"" for the root itself."""
    lines = [_from_root(directory, line) for line in text.removeprefix(b"\xef\xbb\xbf").splitlines()]
    return b"".join(line + b"\n" for line in lines if line)


def _from_root(directory: bytes, line: bytes) -> bytes:
    line = _without_trailing_spaces(line)
    if not line or line.startswith(b"#"):
        return b""
    if not directory:
        return line
    negated, pattern = (b"!", line[1:]) if line.startswith(b"!") else (b"", line)
    here = b"/" + SPECIAL.sub(rb"\\\1", directory)
    anchored = b"/" in pattern.rstrip(b"/")
    if anchored:
        return negated + here + b"/" + pattern.lstrip(b"/")
    return negated + here + b"/**/" + pattern.removeprefix(b"\\" if pattern[:2] in (b"\\#", b"\\!") else b"")


def _without_trailing_spaces(line: bytes) -> bytes:
    """Trailing spaces do not count unless the last is quoted by a backslash."""
    stripped = line.rstrip(b" \r")
    return stripped + b" " if stripped.endswith(b"\\") and stripped != line else stripped
