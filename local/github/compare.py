"""Two commits side by side."""

from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.commits import commit_shape
from local.github.diff import changed_files, file_shape
from local.github.refusals import not_found


@route("GET", "/repos/{owner}/{repo}/compare/{pair+}")
def compare(call: Call) -> Any:
    """`base...head`: how far each went from their merge base, the commits and files of head."""
    repository = call.repository("contents:read")
    base_name, dots, head_name = call.args["pair"].partition("...")
    path = repository.path
    base = git.resolve(path, base_name.rpartition(":")[2])
    head = git.resolve(path, head_name.rpartition(":")[2])
    common = git.merge_base(path, base, head) if base and head and dots else None
    if base is None or head is None or common is None:
        raise not_found()
    ahead, behind = git.commits_between(path, base, head), git.commits_between(path, head, base)
    status = "identical" if base == head else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    url = f"{call.world.url}/repos/{repository.full_name}/compare/{call.args['pair']}"
    page = f"{call.world.url}/{repository.full_name}/compare/{call.args['pair']}"
    files = [file_shape(call.world.url, repository.full_name, head, one) for one in changed_files(path, common, head)]
    return {
        "url": url,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit_shape(call.world, repository, base),
        "merge_base_commit": commit_shape(call.world, repository, common),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [commit_shape(call.world, repository, sha) for sha in call.page(ahead)],
        "files": files[:300],
    }
