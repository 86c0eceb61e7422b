"""The first commits of a repository: from a directory, from files in the request, from a tar or a bundle."""

import base64
import binascii
import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from local.github import git
from local.github.refusals import unprocessable

Who = tuple[str, str, int, str]


def plant(path: Path, body: dict[str, Any], branch: str, who: Who) -> None:
    """Fill a new bare repository from `path`, `files`, `tar` or `bundle` of the request; leave it empty without them."""
    message = str(body.get("message") or "Initial commit")
    with tempfile.TemporaryDirectory(prefix="plant-") as name:
        folder = Path(name)
        if body.get("bundle"):
            _fetch_bundle(path, folder, _bytes(body["bundle"]))
            return
        if body.get("path"):
            source = Path(str(body["path"]))
            if not source.is_dir():
                raise unprocessable(f"{source} is not a directory")
        elif body.get("tar"):
            source = _unpack(folder, _bytes(body["tar"]), int(body.get("strip", 0)))
        elif body.get("files"):
            git_tree(path, body["files"], message, who, branch)
            return
        else:
            return
        git.commit_directory(path, source, message, who, branch)


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise unprocessable("not Base64") from error


def _fetch_bundle(path: Path, folder: Path, content: bytes) -> None:
    file = folder / "bundle"
    file.write_bytes(content)
    git.git(path, "fetch", "-q", str(file), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def _unpack(folder: Path, content: bytes, strip: int) -> Path:
    """Unpack a tar (of any compression); the folder below `strip` single leading folders."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")
    for _ in range(strip):
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir():
            raise unprocessable("strip: the archive has no single leading folder")
        folder = inside[0]
    return folder


def git_tree(path: Path, files: dict[str, Any], message: str, who: Who, branch: str) -> str:
    """A first commit of exactly these files: text, or `{base64 | text, mode}`."""
    changes: list[tuple[str, str | None, str]] = []
    for name, given in files.items():
        mode, content = "100644", given
        if isinstance(given, dict):
            mode = str(given.get("mode", mode))
            content = _bytes(given["base64"]) if "base64" in given else given.get("text", "")
        data = content if isinstance(content, bytes) else str(content).encode("utf-8")
        changes.append((mode, git.write_blob(path, data), name))
    tree = git.build_tree(path, None, changes)
    sha = git.write_commit(path, tree=tree, parents=[], message=message, author=who, committer=who, sign=False)
    git.update_ref(path, f"refs/heads/{branch}", sha, git.ZERO)
    return sha
