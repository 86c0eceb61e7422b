"""The repository on this machine: cloned once, checked out where it is wanted, never with its later history."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from runner_image.endings import GiveUp, Leave
from runner_image.git import Git, GitFailed
from runner_image.laying import lay
from runner_image.log import log
from runner_image.orders import Orders
from runner_image.sandbox.contract import Place, Sandbox
from runner_image.trees import compare, tree_of
from runner_image.waiting import before_the_end
from shared.domain.protocol import Change, Clone

CLONE_S = 600
REVOKE_S = 20
REVOKE_LEAVING_S = 5
URL = re.compile(r"https?://[^\s@]+")
COMMIT = re.compile(r"[0-9a-f]{40}")


def clone(clone: Clone, directory: Path, machine: Mapping[str, str], orders: Orders, allow_file: bool) -> Git:
    """The trusted repository with the base and the head alone; the token is revoked before this returns or raises.

    Raises GiveUp `no_workspace`.
    """
    git = Git(directory, machine, allow_file)
    try:
        try:
            _check(clone, allow_file)
            git.init()
            commits = [clone.base, *([clone.head] if clone.head and clone.head != clone.base else [])]
            git.fetch(clone.url, commits, clone.token, orders, CLONE_S)
            for commit in commits:
                tree_of(git, commit)
        finally:
            give_back(clone, orders)
    except GitFailed as error:
        raise GiveUp("no_workspace", f"The repository could not be cloned: {error}") from error
    return git


def _check(clone: Clone, allow_file: bool) -> None:
    is_file = allow_file and clone.url.startswith("file:///")
    if not (is_file or URL.fullmatch(clone.url)):
        raise GitFailed(f"{clone.url!r} is no address that I clone from")
    for commit in (clone.base, clone.head):
        if commit is not None and not COMMIT.fullmatch(commit):
            raise GitFailed(f"{commit!r} is no commit id")


def give_back(clone: Clone, orders: Orders) -> None:
    """Waits for the token to be revoked; not long, when our machine is taken away."""
    try:
        before_the_end(orders, "revoking the token", lambda: revoke(clone), REVOKE_LEAVING_S)
    except Leave as error:
        log("token.not_revoked", why=str(error))


def revoke(clone: Clone) -> None:
    """Gives the clone's token back (docs.github.com/rest/apps/installations#revoke-an-installation-access-token).

    It is short-lived, so a failure is logged and the job goes on.
    """
    if not clone.token or not clone.revoke_url:
        return
    headers = {"Authorization": f"Bearer {clone.token}", "Accept": "application/vnd.github+json"}
    try:
        with requests.Session() as session:
            session.trust_env = True
            answer = session.delete(
                clone.revoke_url, headers=headers, timeout=REVOKE_S, auth=_keep, allow_redirects=False
            )
        log("token.revoked", status=answer.status_code)
    except requests.RequestException as error:
        log("token.not_revoked", why=type(error).__name__)


def _keep(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps our header: without an `auth`, requests would prefer a .netrc."""
    return request


@dataclass(frozen=True, slots=True)
class Checkout:
    """One work tree with its home and its /tmp."""

    git: Git
    directory: Path
    place: Place
    sandbox: Sandbox

    @property
    def tree(self) -> Path:
        return self.place.workspace

    @property
    def index(self) -> Path:
        return self.directory / "index"

    @property
    def spool(self) -> Path:
        return self.directory / "output"

    def lay(self, changes: Iterable[Change]) -> None:
        """Makes each path of the work tree what the change says, deletions included."""
        lay(self.tree, changes)


def check_out(git: Git, directory: Path, sandbox: Sandbox, base: str, head: str | None) -> Checkout:
    """A fresh directory with base's files, head's laid over them, and a small repository of base for the agent.

    Raises GitFailed.
    """
    place = Place(directory / "tree", directory / "home", directory / "scratch")
    rooms = [place.workspace, place.home, directory / "scratch"]
    for room in rooms:
        room.mkdir(parents=True, mode=0o755)
    checkout = Checkout(git, directory, place, sandbox)
    git.run("read-tree", base, index=checkout.index)
    git.run("checkout-index", "--all", "--force", "--quiet", index=checkout.index, tree=checkout.tree)
    make_toy(git, checkout.tree, base)
    for room in rooms:
        sandbox.own(room)
    if head and head != base:
        checkout.lay(compare(git, base, head))
    return checkout


def make_toy(git: Git, tree: Path, base: str) -> None:
    """The workspace's own `.git`: that one commit, no remote, no history. Trusted code never opens it again."""
    toy = Git(tree / ".git", git.machine, allow_file=True)
    toy.directory.mkdir()
    toy.run("init", "--quiet", "--bare", "--template=")
    options = ["--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"]
    toy.run("fetch", *options, git.directory.as_uri(), base)
    toy.run("config", "core.bare", "false")
    toy.run("update-ref", "refs/heads/work", base)
    toy.run("symbolic-ref", "HEAD", "refs/heads/work")
    toy.run("read-tree", base)


def clear(directory: Path) -> None:
    """Removes a job's directory, whatever modes its files were given."""
    try:
        shutil.rmtree(directory)
    except (OSError, RecursionError):
        subprocess.run(["chmod", "-R", "u+rwx", "--", str(directory)], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", "--", str(directory)], check=False)
