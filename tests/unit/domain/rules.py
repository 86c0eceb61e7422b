"""What must hold after every decision, whatever happened before it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain import keys
from shared.domain.issue import IssueState
from shared.domain.job import MOVES, TERMINAL, JobState, JobStatus
from shared.domain.record import Key, Record
from shared.domain.view import View

Items = Mapping[Key, Record]

PERSONS_TURN = frozenset({"proposed", "in_review", "waiting", "paused", "stopped"})
OVER = frozenset({"idle", "done", "ended"})
HALTED = frozenset({"waiting", "paused"})
MOVING = frozenset({"start_planner", "branch", "commit", "pull"})


def check(before: Items, after: Items, view: View) -> None:
    """Every rule, over the table before and after one decision."""
    jobs_move_along_the_table(before, after)
    one_active_job(after, view.issue)
    effects_only_grow(before, after)
    specs_stay(before, after)
    halts_say_what_to_type(view)
    nothing_is_silent(after, view)
    an_approval_has_money(after, view)
    ceilings_hold(view)


def _jobs(items: Items) -> dict[str, JobState]:
    found = (JobState.model_validate(each.body) for each in items.values() if each.kind == "job")
    return {job.id: job for job in found}


def _reachable(start: JobStatus) -> set[JobStatus]:
    """Where one turn can bring a job: it may make two moves, such as interrupted and launching."""
    once = set(MOVES[start])
    return {start} | once | {further for each in once for further in MOVES[each]}


def jobs_move_along_the_table(before: Items, after: Items) -> None:
    old, new = _jobs(before), _jobs(after)
    for name, job in old.items():
        assert new[name].status in _reachable(job.status), f"{name}: {job.status} -> {new[name].status}"
        if job.status in TERMINAL:
            assert new[name] == job, f"{name} was over and changed"


def one_active_job(after: Items, issue: IssueState) -> None:
    """`ACTIVE#` exists exactly while a job is not over; the issue names the one that is not; halts have none."""
    jobs = _jobs(after)
    running = {name for name, job in jobs.items() if not job.over}
    active = {str(each.body["job"]) for key, each in after.items() if key.pk.startswith("ACTIVE#")}
    assert active == running, f"active records {active}, jobs that are not over {running}"
    assert running == ({issue.job} if issue.job else set()), f"the issue names {issue.job}, at work are {running}"
    assert not (running and issue.phase in HALTED | OVER | {"stopped"}), f"{issue.phase} with {running} at work"


def effects_only_grow(before: Items, after: Items) -> None:
    for key, old in before.items():
        if old.kind != "effect":
            continue
        new = after[key]
        if "EFFECT#L#" in key.sk:
            assert new.body["wanted"] >= old.body["wanted"]
            assert new.body["done"] == old.body["done"], "only the performer says what is done"
        else:
            assert new.body == old.body, f"a once effect changed: {old.body['kind']}"


def specs_stay(before: Items, after: Items) -> None:
    for key, old in before.items():
        if old.kind == "spec":
            assert after[key].body["text"] == old.body["text"], f"{key.sk} changed"


def halts_say_what_to_type(view: View) -> None:
    """Waiting and paused: a reason with words, and one line."""
    issue = view.issue
    if issue.phase not in HALTED:
        return
    assert issue.waiting is not None and issue.waiting.reason, f"{issue.phase} without a reason"
    line = issue.waiting.line
    assert line.startswith(view.operator.command), f"{issue.waiting.reason}: nothing to type ({line!r})"
    assert "\n" not in line


def nothing_is_silent(after: Items, view: View) -> None:
    """Somebody or something is named that moves the issue on: a person, a clock, a job, an effect."""
    issue = view.issue
    if issue.phase in OVER | PERSONS_TURN:
        return
    if issue.job is not None:
        job = _jobs(after)[issue.job]
        match job.status:
            case "queued":
                assert "queue" in issue.deadlines, "queued, and nobody looks again"
            case "launching":
                assert "look" in issue.deadlines, "launching, and nobody looks again"
            case "running":
                assert after[keys.job_lease(job.id)].body["until"], "running without a lease"
            case _:
                raise AssertionError(f"a job stays {job.status}")
        return
    clocks = set(issue.deadlines) - {"promise"}
    once = [each.body for each in after.values() if each.kind == "effect" and each.body["kind"] in MOVING]
    working = [body["kind"] for body in once if body["state"] == "open"]
    assert clocks or working, f"{issue.phase} and nothing will happen"


def an_approval_has_money(after: Items, view: View) -> None:
    approval = view.issue.approval
    if approval is not None:
        ledger = after.get(keys.ledger(view.pk, approval.ledger))
        assert ledger is not None, "an approval without a ledger"
        assert keys.spec(view.pk, approval.version) in after


def ceilings_hold(view: View) -> None:
    """What is spent or set aside never passes a ceiling; a job at work that can spend has set its money aside."""
    for purse in view.purses.values():
        if purse.limit is not None:
            assert sum(purse.taken.values()) <= purse.limit, f"{purse.pk}: {dict(purse.taken)} of {purse.limit}"
    job = view.job
    if job is not None and job.kind in ("build", "fix") and job.status not in ("queued", "stopped", "failed"):
        assert job.charge is not None, f"{job.id} is {job.status} and has set nothing aside"
