"""The work after each step, where the next runner finds it: a thin git bundle of what the starting commit lacks.

A bundle because it holds whole trees: its id proves that what came back is what was stored, and any git can open it
(`git fetch <file> refs/checkpoint`). It is made by trusted git from trusted objects and never from the workspace's own
`.git`. Equal work gives equal bytes, so a step that changed nothing stores nothing, whoever takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from runner_image.changeset import Recorder, TooBig
from runner_image.git import Git, GitFailed
from runner_image.job import Job
from runner_image.trees import compare, lay_on, tree_of
from runner_image.waiting import wait_for
from shared.domain.protocol import CHECKPOINT_MAX_BYTES, Change, Checkpoint, Resume, decode

REF = "refs/checkpoint"
# No name and no time: equal work is an equal commit.
COMMIT = "tree {tree}\nparent {start}\nauthor Persevere <> 0 +0000\ncommitter Persevere <> 0 +0000\n\ncheckpoint\n"

Wait = Callable[[Callable[[], str]], str]
"""How an upload, which gives a blob's key, is waited for."""


class Keeper:
    """Keeps one workspace's work. `start` is the commit that was checked out, which every runner of the job clones."""

    def __init__(self, job: Job, git: Git, recorder: Recorder, start: str) -> None:
        self._job = job
        self._git = git
        self._recorder = recorder
        self._start = start
        self._kept = Checkpoint(tree=recorder.start, kind="bundle")

    def keep(self, wait: Wait | None = None) -> tuple[Checkpoint, str]:
        """The checkpoint of the workspace as it stands, stored; and what it does not hold, in words.

        The upload is waited for within the job's time, and an order to leave ends it at once; or as `wait` does. Raises
        TooBig, GitFailed, Ending.
        """
        tree = self._recorder.tree()
        if tree != self._kept.tree:
            self._kept = self._stored(tree, wait or (lambda store: wait_for(self._job, "checkpoint", store)))
        return self._kept, self._recorder.unkept

    def _stored(self, tree: str, wait: Wait) -> Checkpoint:
        if tree == self._recorder.start:
            return Checkpoint(tree=tree, kind="bundle")
        data = make_bundle(self._git, self._start, tree)
        if len(data) > CHECKPOINT_MAX_BYTES:
            raise TooBig(f"the work has {len(data):,} bytes; a checkpoint has at most {CHECKPOINT_MAX_BYTES:,}")
        key = wait(lambda: self._job.api.store(data, "bundle"))
        return Checkpoint(tree=tree, bundle=key, kind="bundle")


def make_bundle(git: Git, start: str, tree: str) -> bytes:
    """A commit of `tree` on `start`, with the objects that `start` lacks. Raises GitFailed, also when there are none."""
    text = COMMIT.format(tree=tree, start=start).encode()
    commit = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).decode("ascii").strip()
    git.run("update-ref", REF, commit)
    # One thread: which differences are found must not depend on the machine.
    return git.run("bundle", "create", "--quiet", "-", REF, f"^{start}", settings={"pack.threads": "1"})


def open_bundle(git: Git, data: bytes) -> str:
    """Takes a bundle's objects in; the id of its commit's tree. Raises GitFailed for what is no bundle of this work."""
    with TemporaryDirectory(dir=git.directory) as scratch:
        file = Path(scratch) / "bundle"
        file.write_bytes(data)
        said = git.run("bundle", "unbundle", str(file)).decode("ascii", "replace").split()
    if len(said) != 2 or said[1] != REF:
        raise GitFailed(f"a bundle with {said[1::2]} is no checkpoint")
    return tree_of(git, said[0])


def stored_change(git: Git, base: str, start: str, resume: Resume, data: bytes) -> tuple[Change, ...]:
    """What is to be laid on the fresh workspace. Raises GitFailed, BadChangeset, or ValueError when it is another tree."""
    tree = open_bundle(git, data) if resume.kind == "bundle" else lay_on(git, base, decode(data).changes)
    if resume.kind == "bundle" and tree != resume.tree:
        raise ValueError(f"the checkpoint holds {tree} and not {resume.tree}")
    return compare(git, start, tree)
