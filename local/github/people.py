"""People who use GitHub over HTTP with their own token, as a demo or a test needs them."""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.github.git import environment
from local.github.wire import ask


class Person:
    """One person: everything they do goes through ordinary REST or git."""

    def __init__(self, url: str, login: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.login = login
        self.token = token

    def get(self, path: str, **query: Any) -> Any:
        """`GET` of any path below the base address."""
        return ask("GET", f"{self.url}{path}", token=self.token, query=query)

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """Any other request."""
        return ask(method, f"{self.url}{path}", {} if body is None else body, token=self.token)

    def open_issue(self, repo: str, title: str, body: str = "", **more: Any) -> dict[str, Any]:
        return self.do("POST", f"/repos/{repo}/issues", {"title": title, "body": body, **more})  # type: ignore[no-any-return]

    def edit_issue(self, repo: str, number: int, **changes: Any) -> dict[str, Any]:
        """title, body, state, state_reason, labels, assignees."""
        return self.do("PATCH", f"/repos/{repo}/issues/{number}", changes)  # type: ignore[no-any-return]

    def close_issue(self, repo: str, number: int, reason: str = "completed") -> dict[str, Any]:
        return self.edit_issue(repo, number, state="closed", state_reason=reason)

    def reopen_issue(self, repo: str, number: int) -> dict[str, Any]:
        return self.edit_issue(repo, number, state="open")

    def lock(self, repo: str, number: int) -> None:
        self.do("PUT", f"/repos/{repo}/issues/{number}/lock")

    def unlock(self, repo: str, number: int) -> None:
        self.do("DELETE", f"/repos/{repo}/issues/{number}/lock")

    def issue(self, repo: str, number: int) -> dict[str, Any]:
        return self.get(f"/repos/{repo}/issues/{number}")  # type: ignore[no-any-return]

    def label(self, repo: str, number: int, *names: str) -> None:
        self.do("POST", f"/repos/{repo}/issues/{number}/labels", {"labels": list(names)})

    def comment(self, repo: str, number: int, body: str) -> dict[str, Any]:
        return self.do("POST", f"/repos/{repo}/issues/{number}/comments", {"body": body})  # type: ignore[no-any-return]

    def comments(self, repo: str, number: int) -> list[dict[str, Any]]:
        """All comments of an issue or pull request, oldest first."""
        return self._all(f"/repos/{repo}/issues/{number}/comments")

    def edit_comment(self, repo: str, comment: int, body: str) -> dict[str, Any]:
        return self.do("PATCH", f"/repos/{repo}/issues/comments/{comment}", {"body": body})  # type: ignore[no-any-return]

    def delete_comment(self, repo: str, comment: int) -> None:
        self.do("DELETE", f"/repos/{repo}/issues/comments/{comment}")

    def tick(self, repo: str, comment: int, text: str = "", *, untick: bool = False) -> dict[str, Any]:
        """Tick the first open box of a comment whose line holds `text` (or clear a ticked one). LookupError if none."""
        body = self.get(f"/repos/{repo}/issues/comments/{comment}")["body"]
        was, becomes = (r"\[[xX]\]", "[ ]") if untick else (r"\[ \]", "[x]")
        lines = body.split("\n")
        for at, line in enumerate(lines):
            if text in line and re.match(rf"\s*[-*+] {was} ", line):
                lines[at] = re.sub(was, becomes, line, count=1)
                return self.edit_comment(repo, comment, "\n".join(lines))
        raise LookupError(f"no box with {text!r} in comment {comment}")

    def react(self, repo: str, comment: int, content: str) -> dict[str, Any]:
        return self.do("POST", f"/repos/{repo}/issues/comments/{comment}/reactions", {"content": content})  # type: ignore[no-any-return]

    def pulls(self, repo: str, **query: Any) -> list[dict[str, Any]]:
        return self._all(f"/repos/{repo}/pulls", **query)

    def pull(self, repo: str, number: int) -> dict[str, Any]:
        return self.get(f"/repos/{repo}/pulls/{number}")  # type: ignore[no-any-return]

    def open_pull(self, repo: str, head: str, base: str = "main", title: str = "", body: str = "", **more: Any) -> Any:
        data = {"head": head, "base": base, "title": title or head, "body": body, **more}
        return self.do("POST", f"/repos/{repo}/pulls", data)

    def close_pull(self, repo: str, number: int) -> dict[str, Any]:
        return self.do("PATCH", f"/repos/{repo}/pulls/{number}", {"state": "closed"})  # type: ignore[no-any-return]

    def merge(self, repo: str, number: int, **more: Any) -> dict[str, Any]:
        return self.do("PUT", f"/repos/{repo}/pulls/{number}/merge", more)  # type: ignore[no-any-return]

    def review(self, repo: str, number: int, event: str, body: str = "", comments: Any = ()) -> dict[str, Any]:
        """APPROVE, REQUEST_CHANGES or COMMENT, with `comments[{path, line, body}]`."""
        data = {"event": event, "body": body, "comments": list(comments)}
        return self.do("POST", f"/repos/{repo}/pulls/{number}/reviews", data)  # type: ignore[no-any-return]

    def reply(self, repo: str, number: int, comment: int, body: str) -> dict[str, Any]:
        """Answer in a review thread; `comment` is its top comment."""
        return self.do("POST", f"/repos/{repo}/pulls/{number}/comments/{comment}/replies", {"body": body})  # type: ignore[no-any-return]

    def checks(self, repo: str, ref: str) -> list[dict[str, Any]]:
        """The newest check runs of a commit, with their output."""
        path = f"/repos/{repo}/commits/{quote(ref, safe='')}/check-runs"
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, per_page=100, page=len(found) // 100 + 1)["check_runs"]
            found += page
            if len(page) < 100:
                return found

    def press(self, repo: str, check_run: int, identifier: str) -> None:
        """Press a button of a check run, as on its page."""
        self.do("POST", f"/_web/{repo}/check-runs/{check_run}/actions/{identifier}")

    def rerun(self, repo: str, check_run: int) -> None:
        self.do("POST", f"/repos/{repo}/check-runs/{check_run}/rerequest")

    def push(
        self,
        repo: str,
        branch: str,
        files: Mapping[str, bytes | str | None],
        message: str = "Change",
        *,
        base: str | None = None,
        force: bool = False,
    ) -> str:
        """Commit files (None deletes) on a branch by git over HTTP; the new sha. A new branch starts at `base`.

        Raises subprocess.CalledProcessError with git's words in `stderr` when the push is refused.
        """
        with tempfile.TemporaryDirectory(prefix="person-") as name:
            folder = Path(name) / "work"
            self._git(None, "clone", "-q", self.remote(repo), str(folder))
            known = self._git(folder, "ls-remote", "--heads", "origin", branch)
            self._git(folder, "checkout", "-q", *(["-B", branch, f"origin/{branch}"] if known and not base else
                                                  ["-B", branch, *([f"origin/{base}"] if base else [])]))  # fmt: skip
            for path, content in files.items():
                file = folder / path
                if content is None:
                    file.unlink()
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
            self._git(folder, "add", "-A", "-f")
            self._git(folder, "commit", "-q", "--allow-empty", "-m", message)
            self._git(folder, "push", "-q", *(["--force"] if force else []), "origin", f"HEAD:refs/heads/{branch}")
            return self._git(folder, "rev-parse", "HEAD").strip()

    def remote(self, repo: str) -> str:
        """The address to clone from, with this person's token."""
        scheme, _, host = self.url.partition("://")
        return f"{scheme}://{self.login}:{self.token}@{host}/{repo}.git"

    def _git(self, folder: Path | None, *arguments: str) -> str:
        who = f"{self.login}@users.noreply.github.com"
        names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
                 for key, value in (("NAME", self.login), ("EMAIL", who))}  # fmt: skip
        at = ["-C", str(folder)] if folder else []
        done = subprocess.run(
            ["git", *at, *arguments], env=environment(names), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise subprocess.CalledProcessError(done.returncode, ["git", arguments[0]], done.stdout, done.stderr)
        return done.stdout

    def _all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, per_page=100, page=len(found) // 100 + 1, **query)
            found += page
            if len(page) < 100:
                return found
