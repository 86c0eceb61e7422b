"""A build or a fix: clone, set-up, the loop, and the last word with the change. One way in, one way out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from runner_image.beneath import Outside
from runner_image.changeset import Recorder, Taken, TooBig
from runner_image.checkpoint import Keeper, Wait, stored_change
from runner_image.endings import GiveUp, Leave, Stopped
from runner_image.git import Git, GitFailed
from runner_image.job import Job
from runner_image.log import log
from runner_image.loop import Said, fit, report, work
from runner_image.sandbox.contract import really
from runner_image.setup import choose_setup, run_setup
from runner_image.tools.contract import Bench
from runner_image.underway import UnderWay
from runner_image.waiting import before_the_end, see_through, wait_for
from runner_image.workspace import Checkout, check_out, clone
from shared.domain.protocol import CHECKPOINT_MAX_BYTES, Changeset, Finish, Run, StepResults, Underway

HURRY_S = 4.0  # for each request between a signal and the end
KEEPING_S = 9.0  # after a signal the work is stored; what is not by then is left, so that the last word has its time

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Prepared:
    git: Git
    checkout: Checkout
    recorder: Recorder
    keeper: Keeper
    underway: UnderWay
    setup_run: Run | None


def build(job: Job, allow_file: bool) -> Finish:
    """Does the whole job and returns its last word. Raises Leave, when none may be said."""
    prepared: Prepared | None = None
    setup_run: Run | None = None
    try:
        stored = fetch_stored(job)
        made = prepare(job, allow_file)
        setup_run = made.setup_run
        if setup_run and setup_run.outcome != "pass" and not continues(job):
            # Nothing can be proved here. The tail of the set-up says why.
            return closing(job, "gave_up", "no_setup", f"Set-up ended without success: {setup_run.reason}", setup_run)
        restore(job, made, stored)
        prepared = made  # not before: a workspace without the stored work must never be taken for the work
        said = work(job, Bench(job, made.checkout), made.keeper, made.underway)
        return hand_over(job, made, said)
    except GiveUp as end:
        return with_work(job, prepared, closing(job, "gave_up", end.reason, end.summary, setup_run))
    except Stopped as end:
        words = "The machine was taken away." if end.reason == "signal" else "Stopped by order."
        return with_work(job, prepared, closing(job, "interrupted", end.reason, words, setup_run))
    except Leave:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of ours must not cost the work
        log("runner.failed", error=type(error).__name__, why=str(error)[:500])
        words = f"The runner itself failed: {type(error).__name__}: {error}"
        return with_work(job, prepared, closing(job, "gave_up", "refused", words, setup_run))


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
    except (GitFailed, TooBig) as error:
        raise GiveUp("no_workspace", f"The workspace could not be prepared: {error}") from error
    keeper = Keeper(job, git, recorder, start)
    return Prepared(git, checkout, recorder, keeper, UnderWay(recorder), setup_run)


def fetch_stored(job: Job) -> Path | None:
    """The work that an earlier runner kept, in a file: first of all, since its grant may not outlive clone and set-up.
    Raises Ending.
    """
    resume, limits = job.claimed.resume, job.claimed.limits
    if resume.bundle is None:
        return None
    job.progress.doing = "fetching the work"
    url = resume.bundle
    # A changeset is base64 and a line's other fields: at most twice the bytes of the files.
    most = 2 * limits.changeset_bytes + 1_000 * limits.changeset_files
    most = CHECKPOINT_MAX_BYTES if resume.kind == "bundle" else most
    data = wait_for(job, "fetch", lambda: job.api.fetch(url, most))
    path = job.directory / "stored"
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path


def restore(job: Job, prepared: Prepared, stored: Path | None) -> None:
    """Lays that work over the workspace. Raises Ending."""
    resume, clone = job.claimed.resume, job.claimed.clone
    if stored is None:
        return
    job.progress.doing = "restoring the work"
    data = stored.read_bytes()
    try:
        changes = stored_change(prepared.git, clone.base, prepared.recorder.start, resume, data)
        prepared.checkout.lay(changes)
    except (GitFailed, ValueError, Outside, OSError) as error:
        raise GiveUp("no_workspace", f"The stored work cannot be laid over the repository: {error}") from error
    log("workspace.restored", tree=resume.tree, files=len(changes))


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
    wait = partial(see_through, job.orders, "hand over")
    # Kept as well: what the change policy refuses is gone on with from there.
    finish = finish.model_copy(update={"unmet": said.unmet, "underway": left_behind(job, prepared, finish, wait)})
    return carry(job, taken, finish, wait)


def with_work(job: Job, prepared: Prepared | None, finish: Finish) -> Finish:
    """The same last word with the work: what the calls at hand came to, the checkpoint, and the change to be committed.

    A call that was cut short is undone first. None of it can end in anything but a last word: what cannot be stored in
    time is left, and the next runner goes on from the checkpoint before.
    """
    if prepared is None:
        return finish
    if job.orders.signalled_at is not None:
        job.api.hurry(HURRY_S)

    def in_time(part: Callable[[], Value]) -> Value:
        return before_the_end(job.orders, "keeping the work", part, KEEPING_S)

    try:
        if finish.outcome == "interrupted":
            in_time(prepared.underway.undo)
        underway = in_time(lambda: left_behind(job, prepared, finish, directly))
        finish = finish.model_copy(update={"underway": underway})
        if finish.reason == "too_big":
            return finish
        return in_time(lambda: carry(job, prepared.recorder.take(), finish, directly))
    except (TooBig, GitFailed, GiveUp) as error:
        log("change.not_kept", why=str(error)[:300])
        return finish.model_copy(update={"summary": f"{finish.summary} The change was not kept: {error}"[:20_000]})
    except Leave as error:
        if job.orders.signalled_at is None:
            raise
        log("change.not_kept", why=str(error)[:300])  # the store is slow and our time is short: the word goes without
        return finish


def directly(store: Callable[[], str]) -> str:
    return store()


def left_behind(job: Job, prepared: Prepared, finish: Finish, wait: Wait) -> Underway | None:
    """What the next runner needs to know of the calls at hand. None where half of a call could not be undone, and where
    nothing was begun: the next runner of the job is given the answer as it is, and the work was kept before it.
    """
    underway = prepared.underway
    if finish.outcome == "interrupted" and (
        not underway.is_known or (finish.reason == "signal" and underway.is_harmless)
    ):
        return None
    done = report(job, prepared.keeper, (), wait)
    return calls_of(prepared, done, finish)


def calls_of(prepared: Prepared, done: StepResults, finish: Finish) -> Underway | None:
    """The results of the calls at hand; `done` has the work with which they are told."""
    # Time is asked for before a call is run, not while it runs: the one that it ended at was not begun.
    late = finish.reason == "out_of_time"
    how: Literal["cut", "lost", "not_begun"] = (
        "cut" if finish.outcome == "interrupted" else "not_begun" if late else "lost"
    )
    underway = prepared.underway
    if underway.step is None:
        return None
    results = fit(underway.all_results(how))
    return Underway(step=underway.step, done=done.model_copy(update={"results": results}))


def carry(job: Job, taken: Taken, finish: Finish, wait: Wait) -> Finish:
    changeset: Changeset = taken.changeset
    update = {
        "changeset": wait(lambda: job.api.store(taken.blob, "changeset")),
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
            "network": really(job.sandbox.name, job.claimed.network),
            "seconds": job.progress.seconds,
        }
    )
