"""What a runner said: it began, or it is done. Only the job that the issue waits for can move the issue."""

from __future__ import annotations

from shared.domain.evidence import judge_all
from shared.domain.job import MAX_INTERRUPTIONS, JobState, moved
from shared.domain.messages import CannotPrepare, EndedUnproved, ModelStopped, NoChange, NoMachine, NotPublished
from shared.domain.money import dollars
from shared.domain.protocol import Finish, Run, Survey
from shared.domain.provider_words import OUT_CAUSES
from shared.domain.spec import SpecRecord
from shared.domain.workflow.evidence_words import evidence_message
from shared.domain.workflow.halts import halt
from shared.domain.workflow.jobs import PUSHED_TO, end_job, launch, start_build, start_verify
from shared.domain.workflow.proposing import ask_planner, propose
from shared.domain.workflow.provider_out import wait_for_provider
from shared.domain.workflow.publishing import end_red, pause, publish, publish_or_update, red
from shared.domain.workflow.turn import Turn

SHOWN_TAIL = 2000
HALTS_OF_A_BUILD = frozenset({"out_of_money", "out_of_time"})


def on_job(turn: Turn) -> None:
    job = turn.job(str(turn.inbound.data.get("job", "")))
    if job is None:
        turn.outcome = "ignored: no such job here"
        return
    if turn.inbound.data.get("claimed"):
        _on_claimed(turn, job)
        return
    if turn.inbound.data.get("provider"):
        turn.outcome = "shown: a provider's trouble, or its end"
        turn.show()
        return
    finish = Finish.model_validate(turn.inbound.data.get("finish", {}))
    if job.over:
        _on_late_finish(turn, job, finish)
        return
    if finish.outcome == "interrupted":
        _on_interrupted(turn, job, finish)
        return
    match job.kind:
        case "survey":
            _on_surveyed(turn, job, finish)
        case "build" | "fix":
            _on_built(turn, job, finish)
        case "verify":
            _on_verified(turn, job, finish)


def _on_claimed(turn: Turn, job: JobState) -> None:
    data = turn.inbound.data
    if job.over or job.status == "running":
        turn.outcome = "ignored: known"
        return
    turn.deadline("look", None)
    if job.status in ("interrupted", "paused"):  # an earlier launch was given up while its claim was under way
        job = moved(job, "launching")
    seen = {"sandbox": str(data.get("sandbox", "")), "network": str(data.get("network", ""))}
    turn.put_job(moved(job, "running", **seen))
    turn.event("phase", f"machine ready: {seen['sandbox'] or 'sandbox unknown'}", job=job.id, launch=job.launch)
    if job.kind in ("build", "fix") and turn.issue.phase == "approved":
        turn.move("building")
    turn.show()


def _numbers(finish: Finish, turn: Turn, job: JobState) -> dict[str, object]:
    lease = turn.view.lease
    held = lease if lease is not None and lease.job == job.id else None
    return {
        "summary": finish.summary[:2000],
        "changeset": finish.changeset,
        "tree": finish.tree,
        "seconds": held.seconds if held else finish.seconds,
        "steps": held.step if held else 0,
        "sandbox": finish.sandbox or job.sandbox,
        "network": finish.network or job.network,
    }


# --- survey --------------------------------------------------------------------------------------------------


def _on_surveyed(turn: Turn, job: JobState, finish: Finish) -> None:
    survey = finish.survey
    if finish.outcome != "surveyed" or survey is None:
        end_job(turn, job, "failed", reason=finish.reason or "gave up", **_numbers(finish, turn, job))
        _cannot_prepare(turn, "clone" if finish.reason == "no_workspace" else "setup", finish.setup_run, finish)
        return
    end_job(turn, job, "handed_over", **_numbers(finish, turn, job))
    if turn.issue.phase != "interviewing":
        turn.outcome = f"kept: the issue is {turn.issue.phase}"
        turn.change(survey=without_lists(survey))
        return
    if job.purpose == "brief":
        turn.change(survey=without_lists(survey))
        broken = survey.setup_run is not None and survey.setup_run.outcome != "pass"
        if broken:
            _cannot_prepare(turn, "setup", survey.setup_run, finish, survey)
            return
        ask_planner(turn)
        turn.show()
        return
    record = turn.view.spec
    if record is None or record.spec.version != job.spec_version:
        turn.outcome = "thrown away: another version is the newest"
        return
    if survey.setup_run is not None and survey.setup_run.outcome != "pass":
        _cannot_prepare(turn, "setup", survey.setup_run, finish, survey)
        return
    _proposed(turn, record, survey)


def without_lists(survey: Survey) -> Survey:
    """What a status needs of a survey: counts instead of a thousand test ids, the ends of outputs, no observations."""
    return survey.model_copy(
        update={
            "setup_run": _short(survey.setup_run),
            "tests_run": _short(survey.tests_run),
            "observations": (),
        }
    )


def _short(run: Run | None) -> Run | None:
    if run is None:
        return None
    tests = run.tests and run.tests.model_copy(update={"passed": ()})
    return run.model_copy(update={"tail": run.tail[-SHOWN_TAIL:], "tests": tests})


def _proposed(turn: Turn, record: SpecRecord, survey: Survey) -> None:
    observations = {(each.criterion, each.side): each for each in (*turn.view.observations, *survey.observations)}
    propose(turn, record, tuple(observations.values()))


def _cannot_prepare(turn: Turn, stage: str, run: Run | None, finish: Finish, survey: Survey | None = None) -> None:
    if turn.issue.phase in ("stopped", "ended", "done"):
        return
    command = (survey.setup if survey and survey.setup else "") or stage
    reason = (run.reason if run else "") or finish.summary[:300] or finish.reason
    if run is not None and run.exit is not None and not run.reason:
        reason = f"it ended with {run.exit}"
    message = CannotPrepare(
        to=turn.decider, stage=stage, command=command, reason=reason, tail=run.tail[-1500:] if run else ""
    )
    line = f"{turn.command} resume" if turn.issue.approval else f"{turn.command} plan"
    halt(turn, "waiting", "cannot_prepare", detail=reason[:200], line=line, message=message)


# --- build ---------------------------------------------------------------------------------------------------


def _on_built(turn: Turn, job: JobState, finish: Finish) -> None:
    numbers = _numbers(finish, turn, job)
    if finish.outcome == "handed_over":
        end_job(turn, job, "handed_over", **numbers)
        turn.change(stop_reason="", provider_tries=0)
        if _has_news(turn, finish):
            commit(turn, job, finish)
        else:
            nothing_changed(turn, finish.summary)
        return
    ended = end_job(turn, job, "failed", reason=finish.reason or "gave up", **numbers)
    if finish.reason in OUT_CAUSES:
        message = _model_stopped(turn, job, finish.reason, finish.summary, again=True)
        if wait_for_provider(turn, finish.reason, finish.summary, message, answers=ended.steps, job=job.id):
            return
    turn.change(provider_tries=0)
    if finish.reason == "no_setup" or finish.reason == "no_workspace":
        _cannot_prepare(turn, "setup" if finish.reason == "no_setup" else "clone", finish.setup_run, finish)
        return
    if finish.reason == "too_big":
        problems = ({"path": "", "rule": "size", "words": finish.summary[:300]},)
        line = f"{turn.command} revise <a smaller part>"
        refused = NotPublished(to=turn.decider, problems=problems, line=line)
        halt(turn, "waiting", "not_published", detail=finish.summary[:200], line=line, message=refused, job=job.id)
        return
    turn.change(stop_reason=finish.reason or "model")
    if _has_news(turn, finish):
        commit(turn, job, finish)
    else:
        give_up(turn, job, finish.reason, finish.summary)


def _has_news(turn: Turn, finish: Finish) -> bool:
    """Whether there is work that is not on the branch yet."""
    on_branch = turn.issue.head is not None and finish.tree is not None and finish.tree == turn.issue.work_tree
    return finish.changeset is not None and finish.files > 0 and not on_branch


def commit(turn: Turn, job: JobState, finish: Finish) -> None:
    """Put the changeset on the branch; what follows is decided by the outcome."""
    issue = turn.issue
    assert issue.branch is not None and issue.approval is not None
    turn.change(after_commit="verify")
    _wish_commit(turn, job, finish)
    turn.show()


def _wish_commit(turn: Turn, job: JobState, finish: Finish) -> None:
    issue = turn.issue
    turn.change(work_tree=finish.tree)
    before = issue.head or issue.marker_head
    data = {
        "branch": issue.branch,
        "before": before,
        "parent": issue.people_head or job.base,
        "changeset": finish.changeset,
        "job": job.id,
        "summary": finish.summary[:4000],
    }
    if before is None:  # the build was quicker than its branch
        turn.change(commit_waits=data)
        return
    turn.wish("commit", job.id, **data)


def prove(turn: Turn) -> None:
    """What is on the branch was never proved: that comes first, whatever follows."""
    turn.move("verifying", after_commit="")
    start_verify(turn)
    turn.show()


def _unproved_head(turn: Turn) -> bool:
    return turn.issue.head is not None and turn.issue.verified_head != turn.issue.head


def nothing_changed(turn: Turn, summary: str) -> None:
    """Success was claimed with nothing new to show: what is pushed decides; with nothing pushed no pull request comes.

    After a revision the commit that is there may be all that the new version wants.
    """
    issue = turn.issue
    if _unproved_head(turn):
        prove(turn)
        return
    if issue.head is not None and issue.verdicts:
        _ended_or_red(turn)
        return
    spent = dollars(turn.ledger.spent_nano) if turn.ledger else "$0.00"
    line = f"{turn.command} resume"
    message = NoChange(to=turn.decider, summary=summary[:500], spent=spent)
    halt(turn, "waiting", "no_change", line=line, message=message, job=turn.issue.build)


def _ended_or_red(turn: Turn) -> None:
    if red(turn.issue.verdicts):
        end_red(turn)
    else:
        publish_or_update(turn)


def give_up(turn: Turn, job: JobState, reason: str, words: str) -> None:
    """A build ended without new work. What was pushed before is proved, and stays as a draft where that is red."""
    issue = turn.issue
    turn.change(stop_reason=reason)
    if _unproved_head(turn):
        prove(turn)
        return
    if issue.head is not None and issue.verified_head == issue.head:
        if reason not in HALTS_OF_A_BUILD and red(issue.verdicts):
            _red_and_given_up(turn, reason, words)
            return
        _ended_or_red(turn)
        return
    if reason in HALTS_OF_A_BUILD:
        pause(turn, reason)
        return
    halt(
        turn,
        "waiting",
        "model_stopped",
        detail=words[:200],
        line=f"{turn.command} resume",
        message=_model_stopped(turn, job, reason, words),
        job=job.id,
    )


def _red_and_given_up(turn: Turn, reason: str, words: str) -> None:
    """The proof is red and the agent cannot go on: the honest end is a draft and a question."""
    turn.change(stop_reason="")
    issue = turn.issue
    publish(turn)
    verdicts = red(issue.verdicts)
    detail = ", ".join(each.criterion for each in verdicts)
    message = EndedUnproved(to=turn.decider, rounds=issue.round)
    line = f"{turn.command} resume"
    halt(turn, "waiting", "unproved", detail=f"{detail}; {words[:160]}", line=line, message=message, job=issue.build)


def _model_stopped(turn: Turn, job: JobState, reason: str, words: str, *, again: bool = False) -> ModelStopped:
    operator = turn.view.operator
    other = operator.instead_of(job.model)
    return ModelStopped(
        to=turn.decider,
        model=operator.shown(job.model),
        why=reason or "model",
        detail=words[:500],
        spent=dollars(turn.ledger.spent_nano) if turn.ledger else "$0.00",
        line=f"{turn.command} resume",
        other=f"{turn.command} model {other}" if other else "",
        again=again,
    )


# --- verify --------------------------------------------------------------------------------------------------


def _on_verified(turn: Turn, job: JobState, finish: Finish) -> None:
    issue = turn.issue
    approved = turn.view.approved
    numbers = _numbers(finish, turn, job)
    if finish.outcome != "verified" or approved is None:
        end_job(turn, job, "failed", reason=finish.reason or "gave up", **numbers)
        _cannot_prepare(turn, "setup" if finish.reason == "no_setup" else "clone", finish.setup_run, finish)
        return
    end_job(turn, job, "handed_over", **numbers)
    if job.head != issue.head:
        turn.outcome = "kept: the branch has moved since"
        prove(turn)
        return
    verdicts = judge_all(approved.spec, turn.view.observations, dict(issue.accepted), job.head or "")
    turn.change(verdicts=verdicts, verified_head=job.head)
    for each in verdicts:
        turn.event("verdict", f"{each.criterion} {each.conclusion.replace('_', ' ')}", job=job.id, reason=each.reason)
    if not red(verdicts):
        turn.change(stop_reason="")
        publish_or_update(turn)
        return
    more = issue.round < turn.view.operator.rounds and not issue.stop_reason and issue.phase == "verifying"
    if more:
        turn.move("building", round=issue.round + 1)
        message = evidence_message(verdicts, issue.round + 1, turn.view.operator.rounds, job.head or "")
        start_build(turn, message=message)
        turn.show()
        return
    end_red(turn)


# --- interruptions -------------------------------------------------------------------------------------------


def _on_interrupted(turn: Turn, job: JobState, finish: Finish) -> None:
    """The machine went away in good order: another one goes on from the checkpoint."""
    if job.launch >= MAX_INTERRUPTIONS:
        why = f"{job.launch} machines left one after the other"
        end_job(turn, job, "failed", reason=why, **_numbers(finish, turn, job))
        line = f"{turn.command} resume"
        lost = NoMachine(to=turn.decider, since=job.created_at, why=why, line=line)
        halt(turn, "waiting", "no_machine", detail=why, line=line, message=lost, job=job.id)
        return
    turn.note("runner_lost", text=str(turn.view.lease.step if turn.view.lease else 0))
    turn.event("interrupted", f"the machine left: {finish.reason or 'interrupted'}", job=job.id)
    waiting = moved(job, "interrupted", changeset=finish.changeset or job.changeset, tree=finish.tree or job.tree)
    relaunch(turn, waiting)


def relaunch(turn: Turn, job: JobState) -> None:
    """Another machine for a job that lost its own."""
    launch(turn, job)
    turn.show()


def _on_late_finish(turn: Turn, job: JobState, finish: Finish) -> None:
    """The last word of a runner that was told to stop: its work is kept on the branch."""
    turn.outcome = f"kept: the job is {job.status}"
    told_to_leave = job.status == "stopped" and job.reason != PUSHED_TO
    kept = told_to_leave and finish.changeset is not None and finish.files > 0
    issue = turn.issue
    if job.kind in ("build", "fix") and kept and issue.branch and issue.approval and issue.build == job.id:
        turn.change(after_commit="")
        _wish_commit(turn, job, finish)
        turn.outcome = "work kept"
