"""Files and directories at a commit."""

import base64
from typing import Any
from urllib.parse import quote

from werkzeug.wrappers import Response

from local.github import git
from local.github.call import Call, route
from local.github.commits import find_commit
from local.github.refusals import Refusal, not_found
from local.github.state import Repository

INLINE_MAX = 1024 * 1024


def _shape(call: Call, repository: Repository, ref: str, entry: git.Entry) -> dict[str, Any]:
    base, name = call.world.url, quote(entry.path)
    api = f"{base}/repos/{repository.full_name}"
    page = f"{base}/{repository.full_name}"
    links = {
        "self": f"{api}/contents/{name}?ref={ref}",
        "git": f"{api}/git/{entry.type}s/{entry.sha}",
        "html": f"{page}/{'tree' if entry.type == 'tree' else 'blob'}/{ref}/{name}",
    }
    kinds = {"040000": "dir", "120000": "symlink", "160000": "submodule"}
    return {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": f"{page}/raw/{ref}/{name}" if entry.type == "blob" else None,
        "type": kinds.get(entry.mode, "file"),
        "_links": links,
    }


def _get(call: Call) -> Any:
    """A file with its content, or the entries of a directory. `Accept: application/vnd.github.raw` gives the bytes."""
    repository = call.repository("contents:read")
    path = call.args.get("path", "").strip("/")
    ref = call.query.get("ref") or repository.default_branch
    if git.resolve(repository.path, ref) is None:
        if not git.refs(repository.path, "refs/"):
            raise Refusal(404, "This repository is empty.")
        raise Refusal(404, f"No commit found for the ref {ref}")
    sha = find_commit(repository, ref)
    if path:
        found = [one for one in git.list_tree(repository.path, sha, under=path) if one.path == path]
        if not found:
            raise not_found()
        if found[0].type != "tree":
            return _file(call, repository, ref, found[0])
    inside = git.list_tree(repository.path, sha, under=f"{path}/" if path else "")
    return [_shape(call, repository, ref, one) for one in inside]


def _file(call: Call, repository: Repository, ref: str, entry: git.Entry) -> Any:
    if entry.type == "commit":
        return _shape(call, repository, ref, entry)
    content = git.read_blob(repository.path, entry.sha)
    if "raw" in call.request.headers.get("Accept", ""):
        return Response(content, content_type="application/vnd.github.raw; charset=utf-8")
    shape = _shape(call, repository, ref, entry)
    if entry.mode == "120000":
        return {**shape, "target": content.decode("utf-8", "replace")}
    small = len(content) <= INLINE_MAX
    text = base64.encodebytes(content).decode() if small else ""
    return {**shape, "content": text, "encoding": "base64" if small else "none"}


route("GET", "/repos/{owner}/{repo}/contents")(_get)
route("GET", "/repos/{owner}/{repo}/contents/{path+}")(_get)


@route("GET", "/repos/{owner}/{repo}/readme")
def readme(call: Call) -> Any:
    call.args["path"] = "README.md"
    return _get(call)
