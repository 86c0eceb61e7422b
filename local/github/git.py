"""Bare repositories through the `git` program: one function a question, clean environment, no shell."""

import hashlib
import os
import re
import secrets
import subprocess
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ZERO = "0" * 40
SHA = re.compile(r"[0-9a-f]{40}")


CONFIG = """[http]
\treceivepack = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\tdenyDeleteCurrent = ignore
[core]
\tlogAllRefUpdates = false
[gc]
\tauto = 0
"""

# Runs at each push over HTTP; `git_http` sets the variable for Apps without the permission.
UPDATE_HOOK = """#!/bin/sh
test "$SIM_WORKFLOWS" = refuse || exit 0
case "$3" in *[!0]*) ;; *) exit 0 ;; esac
for commit in $(git rev-list "$3" --not --all); do
  name=$(git diff-tree -r -m --root --no-commit-id --name-only --diff-filter=d "$commit" -- .github/workflows | head -n 1)
  if [ -n "$name" ]; then
    echo "refusing to allow a GitHub App to create or update workflow \\`$name\\` without \\`workflows\\` permission" >&2
    exit 1
  fi
done
"""


class GitError(Exception):
    """git ended with an error; the text is what it said."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What git sees: nobody's settings, no prompt, C messages."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **(extra or {}),
    }


def git(path: Path, *arguments: str, given: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """Run git on a bare repository; its output. Raises GitError."""
    done = subprocess.run(
        ["git", f"--git-dir={path}", *arguments],
        input=given or b"",
        env=environment(env),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
    return done.stdout


def ask(path: Path, *arguments: str) -> str | None:
    """Like `git`, for questions that may have no answer: text without the last newline, or None."""
    try:
        return git(path, *arguments).decode("utf-8", "replace").rstrip("\n")
    except GitError:
        return None


def init(path: Path, branch: str) -> None:
    """A new bare repository that serves pushes and partial clones."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "--template=", f"--initial-branch={branch}")
    hook = path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(UPDATE_HOOK)
    hook.chmod(0o755)
    with (path / "config").open("a") as config:
        config.write(CONFIG)


def resolve(path: Path, name: str) -> str | None:
    """The commit that a sha, branch, tag or full ref names."""
    if not name or name.startswith("-"):
        return None
    for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
        found = ask(path, "rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}")
        if found:
            return found
    return None


def ref_sha(path: Path, ref: str) -> str | None:
    """What a full ref points to."""
    return ask(path, "rev-parse", "--verify", "--quiet", ref) if not ref.startswith("-") else None


def object_type(path: Path, sha: str) -> str | None:
    """blob, tree, commit, tag; None when the object is absent."""
    try:
        return _type_of(path, sha)
    except GitError:
        return None


# What a sha names never changes, so these answers are kept. An absence is not: it may be made later.
@lru_cache(maxsize=20_000)
def _type_of(path: Path, sha: str) -> str:
    if not SHA.fullmatch(sha):
        raise GitError(f"{sha} is not a sha")
    return git(path, "cat-file", "-t", sha).decode().strip()


def refs(path: Path, prefix: str) -> list[tuple[str, str, str]]:
    """(name, object type, sha) of every ref whose full name begins with `prefix`."""
    out = git(path, "for-each-ref", "--format=%(refname)%00%(objecttype)%00%(objectname)").decode("utf-8", "replace")
    rows = [line.split("\0") for line in out.splitlines()]
    return [(name, kind, sha) for name, kind, sha in rows if name.startswith(prefix)]


def update_ref(path: Path, ref: str, new: str, old: str) -> None:
    """Move a ref if it still is at `old`; zeros create or delete. Raises GitError."""
    if new == ZERO:
        git(path, "update-ref", "-d", ref, old)
    else:
        git(path, "update-ref", ref, new, old)


def update_refs(path: Path, changes: list[tuple[str, str, str]]) -> None:
    """Move several refs, all or none: (ref, new, old). Raises GitError."""
    lines = [f"update {ref}\0{new}\0{old}\0" for ref, new, old in changes]
    git(path, "update-ref", "--stdin", "-z", given="".join(lines).encode())


@lru_cache(maxsize=2_000)
def is_ancestor(path: Path, older: str, newer: str) -> bool:
    return ask(path, "merge-base", "--is-ancestor", older, newer) is not None


@lru_cache(maxsize=2_000)
def merge_base(path: Path, one: str, other: str) -> str | None:
    return ask(path, "merge-base", one, other)


def commits_between(path: Path, base: str, head: str) -> list[str]:
    """Commits in head that are not in base, oldest first."""
    return list(_between(path, base, head))


@lru_cache(maxsize=2_000)
def _between(path: Path, base: str, head: str) -> tuple[str, ...]:
    return tuple((ask(path, "rev-list", "--reverse", "--topo-order", f"{base}..{head}") or "").split())


@dataclass(frozen=True)
class Person:
    """Author or committer: `at` is ISO 8601 with its own offset as git keeps it."""

    name: str
    email: str
    at: str


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str
    signature: str | None
    payload: str


def _person(line: str) -> Person:
    from datetime import UTC, datetime

    match = re.fullmatch(r"(.*?) ?<(.*)> (-?\d+) [-+]\d{4}", line)
    if match is None:
        return Person(line, "", "1970-01-01T00:00:00Z")
    at = datetime.fromtimestamp(int(match[3]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Person(match[1], match[2], at)


@lru_cache(maxsize=5_000)
def read_commit(path: Path, sha: str) -> Commit:
    """A commit, taken apart. Raises GitError when it is none."""
    raw = git(path, "cat-file", "commit", sha).decode("utf-8", "replace")
    head, _, message = raw.partition("\n\n")
    values: dict[str, list[str]] = {}
    last = ""
    for line in head.split("\n"):
        if line.startswith(" ") and last:
            values[last][-1] += "\n" + line[1:]
            continue
        last, _, value = line.partition(" ")
        values.setdefault(last, []).append(value)
    signature = values.get("gpgsig", [None])[0]
    unsigned = re.sub(r"\ngpgsig .*(\n .*)*", "", head)
    return Commit(
        sha,
        values["tree"][0],
        tuple(values.get("parent", [])),
        _person(values["author"][0]),
        _person(values["committer"][0]),
        message.removesuffix("\n"),
        signature,
        f"{unsigned}\n\n{message}",
    )


def write_commit(
    path: Path,
    *,
    tree: str,
    parents: list[str],
    message: str,
    author: tuple[str, str, int, str],
    committer: tuple[str, str, int, str],
    sign: bool,
) -> str:
    """Write a commit object; its sha. People are (name, email, epoch seconds, offset `+0000`).

    `sign` adds a signature that is new each time, so the same request twice gives two commits, as GitHub's own do.
    """

    def line(person: tuple[str, str, int, str]) -> str:
        name, email, at, offset = person
        clean = re.sub(r"[<>\n]", "", name).strip() or "unknown"
        address = re.sub(r"[<>\s]", "", email)
        return f"{clean} <{address}> {at} {offset}"

    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {line(author)}", f"committer {line(committer)}"]
    if sign:
        nonce = secrets.token_urlsafe(48)
        lines.append(f"gpgsig -----BEGIN PGP SIGNATURE-----\n \n {nonce}\n -----END PGP SIGNATURE-----\n ")
    text = "\n".join(lines) + "\n\n" + message
    return write_object(path, "commit", text.encode("utf-8"))


@dataclass(frozen=True)
class Entry:
    """One line of a tree."""

    mode: str
    type: str
    sha: str
    size: int | None
    path: str


def list_tree(path: Path, treeish: str, *, recursive: bool = False, under: str = "") -> list[Entry]:
    """Entries of a tree; `under` names a file or directory. Raises GitError."""
    flags = ["-r", "-t"] if recursive else []
    out = git(path, "ls-tree", "-z", "-l", *flags, treeish, *(["--", under] if under else []))
    entries = []
    for row in out.decode("utf-8", "surrogateescape").split("\0"):
        if row:
            info, _, name = row.partition("\t")
            mode, kind, sha, size = info.split()
            entries.append(Entry(mode, kind, sha, None if size == "-" else int(size), name))
    return entries


def write_object(path: Path, kind: str, content: bytes) -> str:
    """Write a loose object without a process of its own; its sha."""
    whole = f"{kind} {len(content)}\0".encode() + content
    sha = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    file = path / "objects" / sha[:2] / sha[2:]
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        part = file.with_name(f"tmp_obj_{secrets.token_hex(6)}")
        part.write_bytes(zlib.compress(whole, 1))
        part.chmod(0o444)
        part.replace(file)
    return sha


def write_blob(path: Path, content: bytes) -> str:
    return write_object(path, "blob", content)


def read_blob(path: Path, sha: str) -> bytes:
    return git(path, "cat-file", "blob", sha)


def build_tree(path: Path, base: str | None, changes: list[tuple[str, str | None, str]]) -> str:
    """A new tree from `base` and (mode, sha or None to delete, file path). Raises GitError."""
    with tempfile.TemporaryDirectory(prefix="index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(path, "read-tree", base or "--empty", env=env)
        listed: list[str] = []
        subtrees: list[tuple[str, str]] = []
        for mode, sha, name in changes:
            if sha is None:
                found = git(path, "ls-files", "-z", "--", f":(literal){name}", env=env).decode(
                    "utf-8", "surrogateescape"
                )
                inside = [known for known in found.split("\0") if known]
                if not inside:
                    raise GitError(f"{name} is not in the base tree")
                listed += [f"0 {ZERO}\t{known}" for known in inside]
            elif mode == "040000":
                subtrees.append((sha, name))
            else:
                listed.append(f"{mode} {sha}\t{name}")
        if listed:
            given = ("\0".join(listed) + "\0").encode("utf-8", "surrogateescape")
            git(path, "update-index", "-z", "--add", "--replace", "--index-info", given=given, env=env)
        for sha, name in subtrees:
            ask_env = git(path, "ls-files", "-z", "--", f":(literal){name}", env=env)
            if ask_env:
                gone = b"".join(b"0 " + ZERO.encode() + b"\t" + one + b"\0" for one in ask_env.split(b"\0") if one)
                git(path, "update-index", "-z", "--index-info", given=gone, env=env)
            git(path, "read-tree", "-i", f"--prefix={name}/", sha, env=env)
        return git(path, "write-tree", "--missing-ok", env=env).decode().strip()


def commit_directory(path: Path, source: Path, message: str, who: tuple[str, str, int, str], branch: str) -> str:
    """Commit a directory as it stands (ignored files too, `.git` not) as the branch's first commit."""
    with tempfile.TemporaryDirectory(prefix="index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(path, f"--work-tree={source}", "-c", "core.bare=false", "add", "-A", "-f", ".", env=env)
        tree = git(path, "write-tree", env=env).decode().strip()
    sha = write_commit(path, tree=tree, parents=[], message=message, author=who, committer=who, sign=False)
    update_ref(path, f"refs/heads/{branch}", sha, ZERO)
    return sha


def workflow_files_changed(path: Path, commit: str) -> str | None:
    """The first workflow file that commits not yet on any ref create or change, or None."""
    new = (ask(path, "rev-list", commit, "--not", "--all") or "").split()
    for sha in new:
        out = ask(
            path,
            "diff-tree",
            "-r",
            "-m",
            "--root",
            "--no-commit-id",
            "--name-only",
            "--diff-filter=d",
            sha,
            "--",
            ".github/workflows",
        )
        for name in (out or "").splitlines():
            if name.startswith(".github/workflows/"):
                return name
    return None
