"""What was agreed for a job: its spec, and what a runner needs to know of it."""

from __future__ import annotations

from functions.world import World
from shared.domain import keys
from shared.domain.issue import IssueState
from shared.domain.job import JobState
from shared.domain.spec import Spec, SpecRecord
from shared.errors import Final
from shared.spill import unpack


def read_spec(here: World, job: JobState) -> Spec | None:
    """The version that the job is about; None for a survey before there is one."""
    if not job.spec_version:
        return None
    record = here.store.get(keys.spec(job.issue, job.spec_version))
    if record is None:
        return None
    return SpecRecord.model_validate(unpack(record, here.blobs).body).spec


def read_issue(here: World, job: JobState) -> IssueState:
    """Raises Final when the job's issue is gone, which nothing of ours can do."""
    record = here.store.get(keys.issue_state(job.issue))
    if record is None:
        raise Final(f"the issue of job {job.id} is not in the table")
    return IssueState.model_validate(unpack(record, here.blobs).body)
