"""Which page a path means."""

import re

from werkzeug.wrappers import Response

from local.github.pages import code
from local.github.pages.conversation import conversation_page
from local.github.refusals import not_found
from local.github.state import Repository, World

# These are the API's, never a repository owner.
_API = {"repos", "repositories", "app", "apps", "installation", "user", "users", "orgs", "graphql", "_sim", "_web"}


def show(world: World, path: str) -> Response:
    """The page at `path` as HTML. Raises the API's 404 for API paths and for what there is not."""
    text = _page(world, path)
    if text is None:
        raise not_found()
    return Response(text, content_type="text/html; charset=utf-8")


def _page(world: World, path: str) -> str | None:
    if path == "/":
        return code.front_page(world)
    match = re.fullmatch(r"/([^/]+)/([^/]+)(?:/(.*))?", path)
    if match is None or match[1] in _API:
        return None
    repository = world.repository(match[1], match[2])
    return None if repository is None else _within(repository, match[3] or "")


def _within(repository: Repository, rest: str) -> str | None:
    kind, _, tail = rest.partition("/")
    match kind:
        case "":
            return code.repository_page(repository)
        case "issues" | "pulls" if not tail:
            return code.list_page(repository, pulls=kind == "pulls")
        case "issues" | "pull":
            number = tail.partition("/")[0]
            issue = repository.issues.get(int(number)) if number.isdigit() else None
            return conversation_page(issue) if issue else None
        case "runs":
            run = repository.check_runs.get(int(tail)) if tail.isdigit() else None
            return code.run_page(run) if run else None
        case "commit":
            return code.commit_page(repository, tail)
        case "commits":
            return code.commits_page(repository, tail or repository.default_branch)
        case "blob" | "tree":
            return _file(repository, tail)
        case _:
            return None


def _file(repository: Repository, tail: str) -> str | None:
    """`ref/path`, where a ref may have slashes: the shortest ref that has the file wins."""
    parts = tail.split("/")
    for cut in range(1, len(parts)):
        if found := code.file_page(repository, "/".join(parts[:cut]), "/".join(parts[cut:])):
            return found
    return None
