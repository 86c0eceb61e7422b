"""A build or a fix: clone, set-up, the loop, and the last word with the change. One way in, one way out."""

from __future__ import annotations

import os
from dataclasses import dataclass

from runner_image.changeset import Recorder, Taken, TooBig
from runner_image.endings import GiveUp, Leave, Stopped
from runner_image.git import Git, GitFailed
from runner_image.job import Job
from runner_image.log import log
from runner_image.loop import Said, work
from runner_image.setup import choose_setup, run_setup
from runner_image.tools.contract import Bench
from runner_image.trees import compare, lay_on
from runner_image.workspace import Checkout, check_out, clone
from shared.domain.protocol import BadChangeset, Changeset, Finish, Run, decode


@dataclass(frozen=True, slots=True)
class Prepared:
    git: Git
    checkout: Checkout
    recorder: Recorder
    setup_run: Run | None


def build(job: Job, allow_file: bool) -> Finish:
    """Does the whole job and returns its last word. Raises Leave, when none may be said."""
    prepared: Prepared | None = None
    setup_run: Run | None = None
    try:
        prepared = prepare(job, allow_file)
        setup_run = prepared.setup_run
        if setup_run and setup_run.outcome != "pass" and not continues(job):
            # Nothing can be proved here. The tail of the set-up says why.
            return closing(job, "gave_up", "no_setup", f"Set-up ended without success: {setup_run.reason}", setup_run)
        restore(job, prepared)
        said = work(job, Bench(job, prepared.checkout), prepared.recorder)
        return hand_over(job, prepared, said)
    except GiveUp as end:
        return with_change(job, prepared, closing(job, "gave_up", end.reason, end.summary, setup_run))
    except Stopped as end:
        words = "The machine was taken away." if end.reason == "signal" else "Stopped by order."
        return with_change(job, prepared, closing(job, "interrupted", end.reason, words, setup_run))
    except Leave:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of ours must not cost the work
        log("runner.failed", error=type(error).__name__, why=str(error)[:500])
        words = f"The runner itself failed: {type(error).__name__}: {error}"
        return with_change(job, prepared, closing(job, "gave_up", "refused", words, setup_run))


def continues(job: Job) -> bool:
    """Whether the workspace has an earlier round's commit in it. What breaks its set-up can be that change, which the
    agent was told by the proof and can mend here; to end would leave the issue with a commit that nobody may touch."""
    clone = job.claimed.clone
    return clone.head is not None and clone.head != clone.base


def prepare(job: Job, allow_file: bool) -> Prepared:
    """The workspace as the agent finds it. Raises GiveUp `no_workspace`, Ending."""
    claimed = job.claimed
    job.progress.doing = "clone"
    git = clone(claimed.clone, job.directory / "trusted", os.environ, job.orders, allow_file)
    try:
        start = claimed.clone.head or claimed.clone.base
        checkout = check_out(git, job.directory / "build", job.sandbox, claimed.clone.base, start)
        recorder = Recorder(git, checkout.tree, checkout.index, claimed.clone.base, start, claimed.limits)
        setup_run = run_setup(job, checkout, choose_setup(job, git))
        recorder.record_setup()
    except GitFailed as error:
        raise GiveUp("no_workspace", f"The workspace could not be prepared: {error}") from error
    return Prepared(git, checkout, recorder, setup_run)


def restore(job: Job, prepared: Prepared) -> None:
    """Lays the stored change of an earlier runner over the workspace. Raises GiveUp."""
    resume, limits = job.claimed.resume, job.claimed.limits
    if resume.bundle is None:
        return
    # Base64 and a line's other fields: at most twice the bytes of the files.
    data = job.api.fetch(resume.bundle, 2 * limits.changeset_bytes + 1_000 * limits.changeset_files)
    try:
        stored = decode(data)
    except BadChangeset as error:
        raise GiveUp("no_workspace", f"The stored change cannot be read: {error}") from error
    git, start = prepared.git, prepared.recorder.start
    tree = lay_on(git, job.claimed.clone.base, stored.changes)
    prepared.checkout.lay(compare(git, start, tree))
    log("workspace.restored", tree=tree, expected=resume.tree, files=len(stored.changes))


def hand_over(job: Job, prepared: Prepared, said: Said) -> Finish:
    """Raises GiveUp `too_big` with the numbers."""
    job.progress.doing = "handing over"
    try:
        taken = prepared.recorder.take()
    except TooBig as error:
        raise GiveUp("too_big", f"Too much for one change: {error}. It could be split into smaller issues.") from error
    except GitFailed as error:
        raise GiveUp("refused", f"The change could not be read from the workspace: {error}") from error
    finish = closing(job, "handed_over", "", said.summary, prepared.setup_run)
    return carry(job, taken, finish).model_copy(update={"unmet": said.unmet})


def with_change(job: Job, prepared: Prepared | None, finish: Finish) -> Finish:
    """The same last word with what there is of the change; without it where it is too big or there is none."""
    if prepared is None or finish.reason == "too_big":
        return finish
    try:
        return carry(job, prepared.recorder.take(), finish)
    except (TooBig, GitFailed, GiveUp) as error:
        log("change.not_kept", why=str(error)[:300])
        return finish.model_copy(update={"summary": f"{finish.summary} The change was not kept: {error}"[:20_000]})


def carry(job: Job, taken: Taken, finish: Finish) -> Finish:
    changeset: Changeset = taken.changeset
    update = {
        "changeset": job.api.store(taken.blob, "changeset"),
        "tree": changeset.tree,
        "files": len(changeset.changes),
        "left_out": taken.left_out,
    }
    return finish.model_copy(update=update)


def closing(job: Job, outcome: str, reason: str, summary: str, setup_run: Run | None = None) -> Finish:
    return Finish.model_validate(
        {
            "outcome": outcome,
            "reason": reason[:200],
            "summary": summary[:20_000],
            "setup_run": setup_run,
            "sandbox": job.sandbox.label(job.claimed.network),
            "network": job.claimed.network if job.sandbox.name != "none" else "open",
            "seconds": job.progress.seconds,
        }
    )
