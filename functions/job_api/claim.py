"""POST /v1/claim: a ticket becomes a lease with the next epoch, and everything that a runner needs to begin.

A ticket is good for one launch. The first nonce that comes with it takes the launch; the same nonce may come again (its
answer got lost), any other one is told that the job is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from functions.job_api.contract import read_issue, read_spec
from functions.job_api.refusal import Refused
from functions.job_api.session import SESSION_MS, store_of
from functions.job_api.strays import settle_strays_of
from functions.job_api.tell import tell_claimed, tell_finished
from functions.job_api.time_left import read_ledger, seconds_left
from functions.world import World
from shared.domain import keys
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.protocol import (
    LEASE_S,
    PROTOCOL,
    Claim,
    Claimed,
    Clone,
    Finish,
    Resume,
    RunnerLimits,
    Setup,
)
from shared.domain.record import ABSENT, AtVersion, Check, Put, Record
from shared.domain.spec import Spec
from shared.domain.step import StepState
from shared.domain.tickets import Rejected, Ticket, make_session, read_ticket
from shared.errors import NotConfigured
from shared.ports import TokenRefused, read_all
from shared.spill import unpack

SETTINGS_FILE = ".github/persevere.yml"
WORDS_MAX = 60
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,60}")


@dataclass(frozen=True, slots=True)
class _Found:
    """The job and its lease, each as read."""

    job: JobState
    job_version: int
    lease: Lease | None
    lease_record: Record | None


def claim(here: World, wish: Claim) -> Claimed:
    """Raises Refused: bad_token, claimed, job_over, bad_request; Conflict (again from the start)."""
    now = here.clock.now()
    ticket = read_ticket(here.ticket_keys, wish.ticket, now)
    if isinstance(ticket, Rejected):
        raise Refused("bad_token", "this ticket is not valid here, or has expired")
    if wish.protocol != PROTOCOL:
        raise Refused("bad_request", f"the runner speaks protocol {wish.protocol}, this control plane {PROTOCOL}")
    found = _find(here, ticket)
    _check(found, ticket, wish.nonce)
    lease = _next_lease(found, ticket, wish.nonce, now)
    if found.lease is None:
        lease = _with_earlier_work(here, found.job, lease)
    settle_strays_of(here, found.job)
    ledger, _ = read_ledger(here, found.job)
    issue = read_issue(here, found.job)
    spec = read_spec(here, found.job)
    clone = _clone(here, found, issue, lease, now)
    network = found.job.settings.network
    _commit(here, found, lease, tell_claimed(here, found.job, lease.epoch, wish.self_test, network, now))
    job, setup = found.job, _setup(found.job, issue)
    return Claimed(
        token=make_session(here.ticket_keys, job.id, lease.epoch, now + SESSION_MS),
        epoch=lease.epoch,
        job=job.id,
        kind=job.kind,
        purpose=job.purpose,
        repository=job.repository.full_name,
        clone=clone,
        criteria=tuple(criterion.to_run() for criterion in spec.criteria) if spec and job.purpose != "brief" else (),
        setup=setup,
        network=network,
        limits=_limits(job, int(seconds_left(here, job, lease, ledger))),
        resume=_resume(here, job, lease),
        words=_words(issue, spec),
    )


def _find(here: World, ticket: Ticket) -> _Found:
    job_record = here.store.get(keys.job_state(ticket.job))
    if job_record is None:
        raise Refused("bad_token", "no such job is known here")
    lease_record = here.store.get(keys.job_lease(ticket.job))
    return _Found(
        job=JobState.model_validate(unpack(job_record, here.blobs).body),
        job_version=job_record.version,
        lease=None if lease_record is None else Lease.model_validate(lease_record.body),
        lease_record=lease_record,
    )


def _check(found: _Found, ticket: Ticket, nonce: str) -> None:
    job, lease = found.job, found.lease
    if job.over:
        raise Refused("job_over", f"the job is {job.status}")
    if ticket.launch != job.launch or job.status not in ("launching", "running"):
        raise Refused("claimed", "this launch was given up; another one has the job")
    if lease is None or lease.launch < ticket.launch:
        return
    if lease.nonce != nonce:
        raise Refused("claimed", "another runner has this job")
    if lease.finished:
        raise Refused("job_over", "this runner has finished the job")


def _next_lease(found: _Found, ticket: Ticket, nonce: str, now: int) -> Lease:
    """The first lease, the same runner's again, or a new launch's, which keeps the last checkpoint."""
    old = found.lease
    blank = Lease(job=found.job.id, launch=ticket.launch, epoch=1, nonce=nonce, until=now + LEASE_S * 1000)
    if old is None:
        return blank.model_copy(update={"claimed_at": now, "bundle": found.job.changeset, "tree": found.job.tree})
    if old.launch == ticket.launch:
        return old.model_copy(update={"epoch": old.epoch + 1, "until": blank.until})
    return blank.model_copy(
        update={
            "epoch": old.epoch + 1,
            "claimed_at": now,
            "seconds_before": old.seconds_before + old.seconds,
            "step": old.step,
            "checkpoint_step": old.checkpoint_step,
            "tree": old.tree,
            "bundle": old.bundle,
            "kind": old.kind,
            "unkept": old.unkept,
            "restored_step": old.checkpoint_step,
            "begun_step": old.begun_step,
        }
    )


def _with_earlier_work(here: World, job: JobState, lease: Lease) -> Lease:
    """The last checkpoint of the job that this one continues, where nothing of it was committed since: its machines were
    lost, or its change was refused, and a person said to go on. A job that no machine ever claimed has the work of the one
    that it continues."""
    earlier = job
    while lease.bundle is None and earlier.continues is not None:
        record, held = (
            here.store.get(keys.job_state(earlier.continues)),
            here.store.get(keys.job_lease(earlier.continues)),
        )
        if record is None:
            return lease
        earlier = JobState.model_validate(unpack(record, here.blobs).body)
        if (earlier.base, earlier.head) != (job.base, job.head):
            return lease
        if held is not None:
            left = Lease.model_validate(held.body)
            return lease.model_copy(update={"tree": left.tree, "bundle": left.bundle, "kind": left.kind})
    return lease


def _commit(here: World, found: _Found, lease: Lease, told: Put) -> None:
    """The lease, only if job and lease are still what was read; its record carries the epoch for every later fence."""
    record = Record(
        keys.job_lease(found.job.id), "lease", lease.model_dump(mode="json"), due=lease.until, epoch=lease.epoch
    )
    expect = ABSENT if found.lease_record is None else AtVersion(found.lease_record.version)
    store_of(here, found.job).commit(
        Put(record, expect), Check(keys.job_state(found.job.id), AtVersion(found.job_version)), told
    )


def _clone(here: World, found: _Found, issue: IssueState, lease: Lease, now: int) -> Clone:
    """Where to clone from, with a token that reads this one repository. Raises Refused when GitHub gives none.

    The issue is where GitHub said last; the job may have been made before it moved.
    """
    job = found.job
    try:
        token = here.tokens.token("clone", issue.installation_id, issue.repository.id)
    except (TokenRefused, NotConfigured) as refused:
        words = f"{refused} ({refused.advice})" if refused.advice else str(refused)
        word = Finish(outcome="gave_up", reason="no_workspace", summary=f"No token for cloning: {words}"[:2000])
        ended = lease.model_copy(update={"finished": True, "until": now})
        _commit(here, found, ended, tell_finished(here, job, lease.epoch, word, now))
        raise Refused("job_over", "GitHub gives no token to clone this repository") from refused
    return Clone(
        url=f"{here.github_url.rstrip('/')}/{issue.repository.full_name}.git",
        base=job.base,
        head=job.head,
        token=token.value,
        revoke_url=f"{here.api_url.rstrip('/')}/installation/token",
    )


def _limits(job: JobState, seconds: int) -> RunnerLimits:
    """The defaults, with the repository's own choice of how long one check may run."""
    chosen = job.settings.check_seconds
    return RunnerLimits(seconds=seconds) if chosen is None else RunnerLimits(seconds=seconds, check_seconds=chosen)


def _setup(job: JobState, issue: IssueState) -> Setup:
    """The settings' commands, else what the survey found, each with its source; a brief looks for itself."""
    settings, survey = job.settings, None if job.purpose == "brief" else issue.survey
    setup, setup_source = settings.setup, SETTINGS_FILE if settings.setup else ""
    tests, tests_source = settings.tests, SETTINGS_FILE if settings.tests else ""
    if survey is not None and not setup and survey.setup:
        setup, setup_source = survey.setup, survey.setup_source
    if survey is not None and not tests and survey.tests:
        tests, tests_source = survey.tests, survey.tests_source
    return Setup(
        setup=setup,
        setup_source=setup_source,
        tests=tests,
        tests_source=tests_source,
        environment=settings.environment,
    )


def _resume(here: World, job: JobState, lease: Lease) -> Resume:
    """The first step without an answer, or the last one with an answer that nobody has begun; and the work as it was last
    kept. Read behind the claim: who held the job before can begin nothing any more."""
    if job.kind not in ("build", "fix"):
        return Resume()
    answered, open_step = 0, None
    for record in read_all(here.store, keys.job_pk(job.id), "STEP#"):
        state = StepState.model_validate(unpack(record, here.blobs).body)
        if state.reply is None:
            break
        answered = state.step + 1
        open_step = state.step if state.results is None and state.step > lease.begun_step else None
    bundle = here.blobs.download(lease.bundle) if lease.bundle else None
    return Resume(step=answered if open_step is None else open_step, tree=lease.tree, bundle=bundle, kind=lease.kind)


def _words(issue: IssueState, spec: Spec | None) -> tuple[str, ...]:
    """Identifiers that the issue and the spec name, for ranking files; the first ones are the weightiest."""
    texts = [issue.taken.title, issue.taken.body] if issue.taken else []
    if spec is not None:
        texts += [*spec.goals, *(criterion.text for criterion in spec.criteria)]
    found = dict.fromkeys(word for text in texts for word in _WORD.findall(text))
    return tuple(found)[:WORDS_MAX]
