"""The Git Data API: blobs, trees and commits, straight into the bare repository."""

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from local.github import access, git
from local.github.call import Call, route
from local.github.commits import git_commit_shape
from local.github.refusals import Refusal, invalid, not_found, schema, unprocessable
from local.github.state import Account, Repository

MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "160000": "commit", "040000": "tree"}
BLOB_MAX = 100 * 1024 * 1024


def _refuse_empty(repository: Repository) -> None:
    if not git.refs(repository.path, "refs/"):
        raise Refusal(409, "Git Repository is empty.")


@route("POST", "/repos/{owner}/{repo}/git/blobs")
def create_blob(call: Call) -> Any:
    repository = call.repository("contents:write", "write")
    _refuse_empty(repository)
    text = call.text("content", required=True) or ""
    encoding = call.text("encoding") or "utf-8"
    if encoding == "base64":
        try:
            content = base64.b64decode(re.sub(r"\s", "", text), validate=True)
        except binascii.Error as error:
            raise unprocessable("content is not valid Base64") from error
    elif encoding == "utf-8":
        content = text.encode("utf-8")
    else:
        raise unprocessable("encoding must be utf-8 or base64")
    if len(content) > BLOB_MAX:
        raise unprocessable("Blob is too large")
    sha = git.write_blob(repository.path, content)
    call.note("blob", sha, repository, what="created")
    return 201, {"sha": sha, "url": f"{call.world.url}/repos/{repository.full_name}/git/blobs/{sha}"}


@route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}")
def get_blob(call: Call) -> Any:
    repository = call.repository("contents:read")
    sha = call.args["sha"]
    if git.object_type(repository.path, sha) != "blob":
        raise not_found()
    content = git.read_blob(repository.path, sha)
    return {
        "sha": sha,
        "node_id": f"B_kwDO{sha[:24]}",
        "size": len(content),
        "url": f"{call.world.url}/repos/{repository.full_name}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def tree_shape(call: Call, repository: Repository, sha: str, entries: list[git.Entry]) -> dict[str, Any]:
    api = f"{call.world.url}/repos/{repository.full_name}/git"
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.size is not None:
            row["size"] = entry.size
        if entry.type != "commit":
            row["url"] = f"{api}/{entry.type}s/{entry.sha}"
        rows.append(row)
    return {"sha": sha, "url": f"{api}/trees/{sha}", "tree": rows, "truncated": False}


def _check_path(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise schema('"path" wasn\'t supplied.')
    if name.startswith("/"):
        raise unprocessable("tree.path cannot start with a slash")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in name.split("/")) or "\0" in name:
        raise unprocessable("tree.path contains a malformed path component")
    return name


def _change(repository: Repository, entry: Any) -> tuple[str, str | None, str]:
    """One entry of the request: (mode, sha or None to delete, path)."""
    if not isinstance(entry, dict):
        raise schema("tree must be an array of objects.")
    name = _check_path(entry.get("path"))
    mode = entry.get("mode")
    if mode not in MODES:
        raise unprocessable("tree.mode must be one of 100644, 100755, 040000, 160000, 120000")
    if "content" in entry and entry.get("sha"):
        raise unprocessable("Must supply either tree.sha or tree.content, not both.")
    if "content" in entry:
        return mode, git.write_blob(repository.path, str(entry["content"]).encode("utf-8")), name
    if "sha" not in entry:
        raise unprocessable("Must supply tree.sha or tree.content")
    sha = entry["sha"]
    if sha is None:
        return mode, None, name
    kind = git.object_type(repository.path, str(sha))
    if mode != "160000" and kind != MODES[mode]:
        raise unprocessable(f"tree.sha {sha} is not a valid {MODES[mode]}")
    return mode, str(sha), name


@route("POST", "/repos/{owner}/{repo}/git/trees")
def create_tree(call: Call) -> Any:
    """A tree from entries, on top of `base_tree` if given; entries with `sha: null` delete."""
    repository = call.repository("contents:write", "write")
    _refuse_empty(repository)
    entries = call.body.get("tree")
    if not isinstance(entries, list):
        raise schema('"tree" wasn\'t supplied.')
    base = call.text("base_tree")
    if base is not None and git.object_type(repository.path, base) not in ("tree", "commit"):
        raise Refusal(404, "base_tree is not a valid tree")
    changes = [_change(repository, entry) for entry in entries]
    if not changes and base is None:
        raise invalid("Tree", field="tree", code="missing_field")
    try:
        sha = git.build_tree(repository.path, base, changes)
    except git.GitError as error:
        raise unprocessable("GitRPC::BadObjectState") from error
    call.note("tree", sha, repository, what="created", entries=len(changes))
    return 201, tree_shape(call, repository, sha, git.list_tree(repository.path, sha))


@route("GET", "/repos/{owner}/{repo}/git/trees/{sha+}")
def get_tree(call: Call) -> Any:
    """By sha, branch or tag; `recursive` (any value) goes down."""
    repository = call.repository("contents:read")
    name = call.args["sha"]
    _refuse_empty(repository)
    treeish = name if git.object_type(repository.path, name) else git.resolve(repository.path, name)
    sha = git.ask(repository.path, "rev-parse", "--verify", "--quiet", f"{treeish}^{{tree}}") if treeish else None
    if sha is None:
        raise not_found()
    recursive = "recursive" in call.query
    return tree_shape(call, repository, sha, git.list_tree(repository.path, sha, recursive=recursive))


def _who(call: Call, given: Any, default: tuple[str, str, int, str]) -> tuple[str, str, int, str]:
    """Author or committer of the request. Raises 422 for a person without name or email."""
    if given is None:
        return default
    if not isinstance(given, dict) or not given.get("name") or not given.get("email"):
        raise schema('"name", "email" weren\'t supplied.')
    at, offset = default[2], default[3]
    if given.get("date"):
        try:
            moment = datetime.fromisoformat(str(given["date"]).replace("Z", "+00:00"))
        except ValueError as error:
            raise unprocessable("Invalid date") from error
        at, offset = int(moment.timestamp()), moment.strftime("%z") or "+0000"
    return str(given["name"]), str(given["email"]), at, offset


def person_of(account: Account, at: float) -> tuple[str, str, int, str]:
    """How GitHub writes an account into a commit."""
    return account.name or account.login, account.email, int(at), "+0000"


GITHUB = ("GitHub", "noreply@github.com")


@route("POST", "/repos/{owner}/{repo}/git/commits")
def create_commit(call: Call) -> Any:
    """A commit object. Signed by GitHub only for an App that names neither author nor committer nor signature."""
    repository = call.repository("contents:write", "write")
    _refuse_empty(repository)
    message = call.text("message", required=True) or ""
    tree = call.text("tree", required=True) or ""
    parents = call.body.get("parents") or []
    if git.object_type(repository.path, tree) != "tree":
        raise unprocessable("Tree SHA does not exist")
    for parent in parents:
        if git.object_type(repository.path, str(parent)) != "commit":
            raise unprocessable("Parent SHA does not exist or is not a commit object")
    anonymous = all(call.body.get(name) is None for name in ("author", "committer", "signature"))
    sign = anonymous and isinstance(call.actor, access.AppHere)
    now = call.world.now()
    me = person_of(call.account, now)
    author = _who(call, call.body.get("author"), me)
    committer = (*GITHUB, int(now), "+0000") if sign else _who(call, call.body.get("committer"), author)
    sha = git.write_commit(
        repository.path,
        tree=tree,
        parents=list(parents),
        message=message,
        author=author,
        committer=committer,
        sign=sign,
    )
    if sign:
        repository.signed.add(sha)
    call.note("commit", sha, repository, what="created", verified=sign)
    return 201, git_commit_shape(call.world, repository, sha)


@route("GET", "/repos/{owner}/{repo}/git/commits/{sha}")
def get_git_commit(call: Call) -> Any:
    repository = call.repository("contents:read")
    if git.object_type(repository.path, call.args["sha"]) != "commit":
        raise not_found()
    return git_commit_shape(call.world, repository, call.args["sha"])
