"""As much of GitHub as effects write to, in memory and in simulated time: lists lag, writes are at once.

It answers like `Wire.send`, below HTTP, so that thousands of runs are cheap. The full simulator checks the wire itself.
"""

from __future__ import annotations

import hashlib
import json as json_module
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.github.answers import GraphqlRefusal, NotFound, Unprocessable
from shared.github.wire import Answer

APP_ID = 7
BOT = {"id": 70, "login": "persevere[bot]", "type": "Bot"}


@dataclass
class SmallGitHub:
    """`now` gives UTC ms; `lag_ms` is how long lists do not know of what was made."""

    now: Callable[[], int]
    lag_ms: int = 10_000
    url: str = "small:"
    comments: list[dict[str, Any]] = field(default_factory=list)
    reactions: set[tuple[int, str]] = field(default_factory=set)
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    numbers: int = 100

    def __post_init__(self) -> None:
        self.trees["t0"] = {"src/a.py": "x"}
        self.base = self._commit("t0", [], "Begin")
        self.refs["main"] = self.base

    def send(
        self, method: str, path: str, bearer: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> Answer:
        path = path.removeprefix("/repos/octo-org/octo-repo")
        for verb, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                body = getattr(self, name)(*found.groups(), **({"json": json} if json is not None else {}))
                return Answer(200, body)
        raise AssertionError(f"small GitHub has no {method} {path}")

    # --- comments, reactions -----------------------------------------------------------------------------------

    def post_comment(self, number: str, *, json: Any) -> dict[str, Any]:
        comment = self._named("IC") | {"body": json["body"], "at": self.now(), "number": int(number)}
        comment |= {"html_url": f"c{comment['id']}", "performed_via_github_app": {"id": APP_ID}, "user": BOT}
        self.comments.append(comment)
        return comment

    def list_comments(self, number: str) -> list[dict[str, Any]]:
        return [each for each in self.comments if each["number"] == int(number) and self._listed(each)]

    def patch_comment(self, id: str, *, json: Any) -> dict[str, Any]:
        comment = self._one(self.comments, "id", int(id))
        comment["body"] = json["body"]
        return comment

    def post_reaction(self, id: str, *, json: Any) -> dict[str, Any]:
        self.reactions.add((int(id), json["content"]))
        return {"id": 1}

    # --- git -----------------------------------------------------------------------------------------------------

    def get_repository(self) -> dict[str, Any]:
        return {"node_id": "R_1", "default_branch": "main"}

    def get_ref(self, branch: str) -> dict[str, Any]:
        if branch not in self.refs:
            raise NotFound("Not Found")
        return {"object": {"sha": self.refs[branch]}}

    def post_ref(self, *, json: Any) -> dict[str, Any]:
        branch = json["ref"].removeprefix("refs/heads/")
        if branch in self.refs:
            raise Unprocessable("Reference already exists")
        self.refs[branch] = json["sha"]
        self.moves.append((branch, json["sha"]))
        return {"object": {"sha": json["sha"]}}

    def get_commit(self, sha: str) -> dict[str, Any]:
        return self.commits[sha]

    def post_commit(self, *, json: Any) -> dict[str, Any]:
        return self.commits[self._commit(json["tree"], json["parents"], json["message"])]

    def get_tree(self, sha: str) -> dict[str, Any]:
        return {"truncated": False, "tree": [{"path": path, "type": "blob"} for path in self.trees[sha]]}

    def post_tree(self, *, json: Any) -> dict[str, Any]:
        files = dict(self.trees[json["base_tree"]])
        for each in json["tree"]:
            files[each["path"]] = each.get("content") or each.get("sha") or ""
            if "content" not in each and each.get("sha") is None:
                files.pop(each["path"])
        sha = "t" + hashlib.sha256(json_module.dumps(files, sort_keys=True).encode()).hexdigest()[:8]
        self.trees[sha] = files
        return {"sha": sha}

    def post_blob(self, *, json: Any) -> dict[str, Any]:
        return {"sha": hashlib.sha256(json["content"].encode()).hexdigest()[:8]}

    def graphql(self, *, json: Any) -> dict[str, Any]:
        wish = json["variables"]
        branch = wish["name"].removeprefix("refs/heads/")
        if self.refs.get(branch) != wish["before"]:
            raise GraphqlRefusal("UNPROCESSABLE", "the ref is not where you expect it")
        self.refs[branch] = wish["after"]
        self.moves.append((branch, wish["after"]))
        return {"data": {}}

    # --- pull requests, checks -------------------------------------------------------------------------------------

    def list_pulls(self) -> list[dict[str, Any]]:
        return [each for each in self.pulls if self._listed(each)]

    def post_pull(self, *, json: Any) -> dict[str, Any]:
        if any(each["head"]["ref"] == json["head"] for each in self.pulls):
            raise Unprocessable("Validation Failed", (f"A pull request already exists for octo-org:{json['head']}.",))
        pull = self._named("PR") | {"at": self.now(), "title": json["title"], "body": json["body"], "state": "open"}
        pull |= {"number": pull["id"], "html_url": "p", "draft": json["draft"], "user": BOT}
        pull["head"] = {"ref": json["head"], "sha": self.refs[json["head"]]}
        self.pulls.append(pull)
        return pull

    def post_reviewers(self, number: str, *, json: Any) -> dict[str, Any]:
        self._one(self.pulls, "number", int(number))["requested_reviewers"] = [{"login": x} for x in json["reviewers"]]
        return {}

    def list_runs(self, sha: str) -> dict[str, Any]:
        return {"check_runs": [each for each in self.runs if each["head_sha"] == sha and self._listed(each)]}

    def post_run(self, *, json: Any) -> dict[str, Any]:
        run = self._named("CR") | {"at": self.now(), "app": {"id": APP_ID}, "status": "completed"} | json
        self.runs.append(run)
        return run

    def patch_run(self, id: str, *, json: Any) -> dict[str, Any]:
        run = self._one(self.runs, "id", int(id))
        run.update(json)
        return run

    # --- how -------------------------------------------------------------------------------------------------------

    def _commit(self, tree: str, parents: list[str], message: str) -> str:
        """Two requests are two commits: GitHub writes the time into them."""
        sha = f"{self._named('C')['id']:040x}"
        whole = {"sha": sha, "tree": {"sha": tree}, "parents": [{"sha": each} for each in parents], "message": message}
        self.commits[sha] = whole
        return sha

    def _named(self, kind: str) -> dict[str, Any]:
        self.numbers += 1
        return {"id": self.numbers, "node_id": f"{kind}_{self.numbers}"}

    def _listed(self, each: dict[str, Any]) -> bool:
        return bool(each["at"] + self.lag_ms <= self.now())

    @staticmethod
    def _one(among: list[dict[str, Any]], key: str, value: int) -> dict[str, Any]:
        for each in among:
            if each[key] == value:
                return each
        raise NotFound("Not Found")


_ROUTES = (
    ("POST", r"/issues/(\d+)/comments", "post_comment"),
    ("GET", r"/issues/(\d+)/comments", "list_comments"),
    ("PATCH", r"/issues/comments/(\d+)", "patch_comment"),
    ("POST", r"/issues/comments/(\d+)/reactions", "post_reaction"),
    ("GET", r"", "get_repository"),
    ("GET", r"/git/ref/heads/(.+)", "get_ref"),
    ("POST", r"/git/refs", "post_ref"),
    ("GET", r"/git/commits/(.+)", "get_commit"),
    ("POST", r"/git/commits", "post_commit"),
    ("GET", r"/git/trees/(.+)", "get_tree"),
    ("POST", r"/git/trees", "post_tree"),
    ("POST", r"/git/blobs", "post_blob"),
    ("POST", r"/graphql", "graphql"),
    ("GET", r"/pulls", "list_pulls"),
    ("POST", r"/pulls", "post_pull"),
    ("POST", r"/pulls/(\d+)/requested_reviewers", "post_reviewers"),
    ("GET", r"/commits/(.+)/check-runs", "list_runs"),
    ("POST", r"/check-runs", "post_run"),
    ("PATCH", r"/check-runs/(\d+)", "patch_run"),
)
