"""A proof: each criterion at base, then at head, from the pushed commits, in a container that no agent has touched."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runner_image.build import closing
from runner_image.endings import GiveUp
from runner_image.git import Git, GitFailed
from runner_image.job import Job
from runner_image.judge import NOT_RUN_BEFORE, Before, wants_record
from runner_image.pinned import Pins, find_pins
from runner_image.plugins import Plugin, modules_of
from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox
from runner_image.sandbox.interpreter import find_interpreter
from runner_image.settings import Settings
from runner_image.setup import choose_setup
from runner_image.side import Side, uid_offset
from runner_image.trees import files_of
from runner_image.waiting import see_through
from runner_image.workspace import clone
from shared.domain.protocol import CriterionToRun, EvidenceReport, Finish, Observation, Run

USUAL_RUNS = 2
RUNS_WHEN_THEY_DIFFER = 5


def verify(job: Job, settings: Settings, environment: Mapping[str, str]) -> Finish:
    """Posts each observation as soon as it is known. Raises Ending."""
    claimed = job.claimed
    base, head = claimed.clone.base, claimed.clone.head
    if head is None:
        raise GiveUp("refused", "There is no head commit to prove.")
    job.progress.doing = "clone"
    git = clone(claimed.clone, job.directory / "trusted", os.environ, job.orders, settings.allow_file_clone)
    try:
        setup = choose_setup(job, git)
        criteria = [each for each in claimed.criteria if each.kind != "person" and each.check is not None]
        before = Side(job, git, "base", base, job.sandbox, setup, job.directory / "base")
        ran = {each.id: observe_base(job, git, before, each, head) for each in criteria}
        try:
            fence = choose(
                settings.sandbox,
                find_interpreter(settings.python),
                job.directory / "sandbox-head",
                environment,
                uid_offset=uid_offset("head"),
            )
        except NoSandbox as error:
            raise GiveUp("refused", str(error)) from error
        after = Side(job, git, "head", head, fence, setup, job.directory / "head")
        pins = find_pins(git, base, head, modules_of(before.plugins))
        for each in criteria:
            observe_head(job, after, each, ran[each.id], pins, after.plugins - before.plugins)
    except GitFailed as error:
        raise GiveUp("no_workspace", f"The workspace could not be prepared: {error}") from error
    finish = closing(job, "verified", "", f"{len(criteria)} criteria were run at base and at head.", after.setup_run)
    return finish.model_copy(update={"sandbox": fence.label(claimed.network)})


def observe_base(job: Job, git: Git, side: Side, criterion: CriterionToRun, head: str) -> Before:
    """Once; returns the ids of the tests that ran. An agent's test is run on base with the head's files that it is made of."""
    assert criterion.check is not None
    job.progress.doing = f"{criterion.id} at base"
    files = [path.encode() for path in criterion.check.files] if criterion.check.origin == "agent" else []
    seen = side.run_check(criterion.check, files_of(git, head, files) if files else ())
    report(job, side.observe(criterion.id, [seen.run]))
    return seen.ids


def observe_head(
    job: Job,
    side: Side,
    criterion: CriterionToRun,
    before: Before,
    pins: Pins,
    new_plugins: frozenset[Plugin] = frozenset(),
) -> None:
    """Twice, five times where the two differ; once more with the base's tests and test settings, and without pytest
    plugins that only head's set-up installs, where any of these changed."""
    assert criterion.check is not None
    # An agent's own test may be written for a plugin that its change brings; nothing older can be.
    unwanted = new_plugins if wants_record(criterion.check) and criterion.check.origin != "agent" else frozenset()
    changes = pins.changes_for(criterion, before)
    # Which tests there are is for the run with base's own to say, where the change touched them.
    expected = NOT_RUN_BEFORE if changes and criterion.check.kind != "suite" else before
    runs: list[Run] = []
    wanted = USUAL_RUNS
    while len(runs) < wanted:
        job.progress.doing = f"{criterion.id} at head, run {len(runs) + 1}"
        runs.append(side.run_check(criterion.check, (), expected).run)
        if len({run.outcome for run in runs}) > 1:
            wanted = RUNS_WHEN_THEY_DIFFER
    pinned, findings = None, [said for said in (pins.warning, pins.finding_for(criterion, before)) if said]
    if changes or unwanted:
        job.progress.doing = f"{criterion.id} at head, with base's tests"
        pinned = side.with_setup_of(changes).run_check(criterion.check, changes, before, unwanted).run
        if unwanted:
            names = ", ".join(sorted({name for name, _ in unwanted})[:5])
            findings.append(f"The change brings pytest plugins ({names[:200]}); run again without them.")
    report(job, side.observe(criterion.id, runs, pinned, findings))


def report(job: Job, observation: Observation) -> None:
    see_through(job.orders, "evidence", lambda: job.api.evidence(EvidenceReport(observations=(observation,))))
