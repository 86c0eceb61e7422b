"""Branches, and the rules that bind them."""

from typing import Any

from local.github import git
from local.github.call import Call, route
from local.github.commits import commit_shape
from local.github.refusals import Refusal
from local.github.state import Repository


def _short(call: Call, repository: Repository, name: str, sha: str) -> dict[str, Any]:
    url = f"{call.world.url}/repos/{repository.full_name}/commits/{sha}"
    return {"name": name, "commit": {"sha": sha, "url": url}, "protected": bool(_rules(repository, name))}


def _rules(repository: Repository, branch: str) -> list[dict[str, Any]]:
    return [rule for rule in repository.rules if rule.get("branch") in (None, branch)]


@route("GET", "/repos/{owner}/{repo}/branches")
def list_branches(call: Call) -> Any:
    repository = call.repository("contents:read")
    rows = [(name.removeprefix("refs/heads/"), sha) for name, _, sha in git.refs(repository.path, "refs/heads/")]
    return [_short(call, repository, name, sha) for name, sha in call.page(rows)]


@route("GET", "/repos/{owner}/{repo}/branches/{branch+}")
def get_branch(call: Call) -> Any:
    repository = call.repository("contents:read")
    name = call.args["branch"]
    sha = git.ref_sha(repository.path, f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    shape = _short(call, repository, name, sha)
    shape["commit"] = commit_shape(call.world, repository, sha)
    shape["_links"] = {
        "self": f"{call.world.url}/repos/{repository.full_name}/branches/{name}",
        "html": f"{call.world.url}/{repository.full_name}/tree/{name}",
    }
    shape["protection"] = {
        "enabled": False,
        "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
    }
    shape["protection_url"] = f"{call.world.url}/repos/{repository.full_name}/branches/{name}/protection"
    return shape


@route("GET", "/repos/{owner}/{repo}/rules/branches/{branch+}")
def branch_rules(call: Call) -> Any:
    """The rules that apply to a branch; they are set through the control API."""
    repository = call.repository()
    rules = [{k: v for k, v in rule.items() if k != "branch"} for rule in _rules(repository, call.args["branch"])]
    return call.page(rules)
