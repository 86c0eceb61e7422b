"""What came of an effect: ids of what was born outside, or a refusal that a person must hear of."""

from __future__ import annotations

from typing import Any

from shared.domain import keys
from shared.domain.issue import Pull, Remote
from shared.domain.messages import (
    BranchMoved,
    BranchRefused,
    Fault,
    NoMachine,
    NotPublished,
    PermissionMissing,
    PullRefused,
    SpecTooLong,
)
from shared.domain.record import ANY, Put, Record
from shared.domain.workflow.halts import halt
from shared.domain.workflow.jobs import end_job, stop_job
from shared.domain.workflow.on_job import give_up, nothing_changed, prove
from shared.domain.workflow.publishing import publish
from shared.domain.workflow.turn import Turn


def on_outcome(turn: Turn) -> None:
    data = turn.inbound.data
    kind, slot, state = str(data.get("kind")), str(data.get("slot", "")), str(data.get("state"))
    remote: dict[str, Any] = dict(data.get("remote") or {})
    error = str(data.get("error") or "")
    turn.outcome = f"{kind} {state}"
    if state == "done":
        _done(turn, kind, slot, remote)
    else:
        _not_done(turn, kind, slot, state, error, remote)


def _remote_of(remote: dict[str, Any]) -> Remote:
    return Remote.model_validate({key: remote[key] for key in ("id", "node_id", "sha256", "url") if key in remote})


def _done(turn: Turn, kind: str, slot: str, remote: dict[str, Any]) -> None:
    issue = turn.issue
    match kind:
        case "comment":
            turn.remember(slot, _remote_of(remote))
        case "status":
            turn.remember("status", _remote_of(remote))
            promise = remote.get("next_by")
            turn.deadline("promise", int(promise) if promise else None)
        case "spec_comment":
            turn.remember(slot, _remote_of(remote))
            if slot == f"spec-v{issue.version}":
                turn.change(proposed_posted=True)
        case "branch":
            if remote.get("branch") == issue.branch:
                turn.change(marker_head=remote.get("sha"))
                turn.wish("checks", "checks")
                _commit_what_waited(turn)
        case "checks":
            turn.change(checks={str(name): int(run) for name, run in (remote.get("checks") or {}).items()})
        case "commit":
            _committed(turn, remote)
        case "pull":
            _pulled(turn, remote)
        case "pull_text":
            if issue.pull is not None:
                draft = bool(remote.get("draft", issue.pull.draft))
                turn.change(pull=issue.pull.model_copy(update={"draft": draft}))
        case "start_task":
            turn.event("effect", "a machine was asked for", job=_job_of(turn))
        case _:
            pass


def _commit_what_waited(turn: Turn) -> None:
    """A build that was quicker than its branch: its commit was kept until there is something to move."""
    waiting = turn.issue.commit_waits
    if waiting:
        turn.change(commit_waits={})
        turn.wish("commit", str(waiting.get("job")), **waiting | {"before": turn.issue.marker_head})


def _job_of(turn: Turn) -> str | None:
    data = turn.inbound.data.get("data") or {}
    return str(data.get("job")) if data.get("job") else None


def _committed(turn: Turn, remote: dict[str, Any]) -> None:
    issue = turn.issue
    sha = str(remote.get("sha"))
    if remote.get("branch") != issue.branch:
        turn.outcome = "kept: another branch is at work"
        return
    turn.change(head=sha, verdicts=() if sha != issue.verified_head else issue.verdicts)
    turn.event("effect", f"pushed {sha[:7]}", job=_job_of(turn), files=remote.get("files", 0))
    if remote.get("flagged"):
        turn.change(flagged=tuple(dict(each) for each in remote["flagged"]))
    if issue.settings.pull_request == "early" and issue.pull is None:
        publish(turn)
    if issue.after_commit == "verify" and issue.phase == "building" and _job_of(turn) == issue.build:
        prove(turn)
        return
    turn.show()


def _pulled(turn: Turn, remote: dict[str, Any]) -> None:
    number = int(remote["number"])
    pull = Pull(
        number=number,
        node_id=str(remote.get("node_id", "")),
        draft=bool(remote.get("draft")),
        state="open",
        head=str(remote.get("head", "")),
        url=str(remote.get("url", "")),
    )
    if _asked(turn).get("branch") == turn.issue.branch:
        turn.change(pull=pull)
    link = keys.pull_link(turn.issue.repository.id, number)
    turn.records.append(Put(Record(link, "link", {"pk": turn.view.pk, "job": turn.issue.build}), ANY))
    turn.event("effect", f"pull request #{number}")
    turn.show()


def _not_done(turn: Turn, kind: str, slot: str, state: str, error: str, remote: dict[str, Any]) -> None:
    words = str(remote.get("words") or error or state)
    turn.event("effect", f"{kind} was not possible: {words}"[:200], job=_job_of(turn))
    match kind:
        case "commit":
            _not_committed(turn, error, words, remote)
        case "branch" if _asked(turn).get("branch") == turn.issue.branch:
            stop_job(turn, "no branch")
            line = f"{turn.command} resume"
            turn.change(branch=None)
            _halt(turn, "branch_refused", words, line, BranchRefused(to=turn.decider, words=words, line=line))
        case "pull":
            _not_pulled(turn, error, words, remote)
        case "start_task":
            _not_started(turn, state, words)
        case "start_planner" if turn.inbound.data.get("effect") == turn.issue.planning:
            line = f"{turn.command} resume"
            number = str(remote.get("fault", ""))[:40] or error
            _halt(turn, "fault", words, line, Fault(to=turn.decider, number=number, step=0, spent="$0.00", line=line))
        case "spec_comment" if _spec_unposted(turn, slot) and error == "too_long":
            line = f"{turn.command} revise <a smaller part>"
            long = SpecTooLong(to=turn.decider, version=turn.issue.version, words=words, line=line)
            _halt(turn, "spec_not_posted", words, line, long)
        case "spec_comment" if _spec_unposted(turn, slot) and error != "locked":
            line = f"{turn.command} resume"
            turn.change(resumable="proposed")
            _halt(turn, "spec_not_posted", words, line, PermissionMissing(to=turn.decider, words=words, line=line))
        case "checks" | "spec_comment" | "comment" if error == "permission":
            turn.note("permission", text=words)
            turn.wish("status", "status")
        case "comment" | "spec_comment" | "status" if error == "locked":
            turn.change(locked=True)
            turn.note("locked", text=slot)
            turn.wish("checks", "checks")
            if kind != "status":  # an edit may be allowed where a new comment is not
                turn.wish("status", "status")
        case _:
            _note(turn, kind, words)


def _asked(turn: Turn) -> dict[str, Any]:
    """The effect's own data, as it was wished."""
    return dict(turn.inbound.data.get("data") or {})


def _spec_unposted(turn: Turn, slot: str) -> bool:
    issue = turn.issue
    return issue.phase == "proposed" and slot == f"spec-v{issue.version}" and not issue.proposed_posted


def _note(turn: Turn, kind: str, words: str) -> None:
    """Nothing waits for it: a line in the status, if there is one."""
    turn.note("not_done", who=kind, text=words[:200])
    if kind != "status" and turn.issue.started:
        turn.wish("status", "status")


def _halt(turn: Turn, reason: str, words: str, line: str, message: Any) -> None:
    if turn.issue.phase in ("stopped", "done", "ended", "idle", "waiting", "paused"):
        _note(turn, "", words)
        return
    halt(turn, "waiting", reason, detail=words[:200], line=line, message=message)


def _not_committed(turn: Turn, error: str, words: str, remote: dict[str, Any]) -> None:
    issue = turn.issue
    if issue.phase != "building" or issue.job is not None or _job_of(turn) != issue.build:
        _note(turn, "commit", words)  # the last work of a job that was stopped: nothing waits for it
        return
    turn.change(after_commit="", work_tree=None)
    line = f"{turn.command} resume"
    if error == "no_change":
        job = turn.job(issue.build)
        if job is not None and issue.stop_reason:
            give_up(turn, job, issue.stop_reason, "nothing changed since the last commit")
        else:
            nothing_changed(turn, job.summary if job else "")
        return
    if error in ("policy", "bad_changeset", "too_big"):
        problems = tuple(dict(each) for each in remote.get("problems", ())) or (
            {"path": "", "rule": error, "words": words},
        )
        first = problems[0].get("path") or "that"
        say = f"{turn.command} revise leave {first} as it is"
        message = NotPublished(
            to=turn.decider, problems=problems[:20], patch=str(remote.get("patch", ""))[:4000], line=say
        )
        _halt(turn, "not_published", words, say, message)
        return
    if error in ("moved", "gone"):
        moved_message = BranchMoved(to=turn.decider, branch=issue.branch or "", found=str(remote.get("found", "")))
        _halt(turn, "branch_moved", words, f"{turn.command} retry", moved_message)
        return
    if error == "permission":
        _halt(turn, "permission", words, line, PermissionMissing(to=turn.decider, words=words, line=line))
        return
    _halt(turn, "branch_refused", words, line, BranchRefused(to=turn.decider, words=words, line=line))


def _not_pulled(turn: Turn, error: str, words: str, remote: dict[str, Any]) -> None:
    if error == "closed":
        number = int(remote.get("number", 0))
        words = f"#{number} of this branch was closed"
        line = f"{turn.command} retry"
    elif "already exists" in words:
        line = f"{turn.command} retry"  # somebody else's stands on our branch: only another branch helps
    else:
        line = f"{turn.command} verify"
    message = PullRefused(to=turn.decider, words=words, line=line)
    if turn.issue.phase != "in_review" or _asked(turn).get("branch") != turn.issue.branch:
        _note(turn, "pull", words)
        return
    _halt(turn, "pull_refused", words, line, message)


def _not_started(turn: Turn, state: str, words: str) -> None:
    job, asked = turn.job(turn.issue.job), _asked(turn)
    if job is None or job.over or asked.get("job") != job.id or asked.get("launch") != job.launch:
        turn.outcome = "ignored: nothing waits for that machine"
        return
    line = f"{turn.command} resume"
    end_job(turn, job, "failed", reason="no machine")
    message = NoMachine(to=turn.decider, since=job.started_at or turn.now, why=words, line=line)
    _halt(turn, "no_machine", words, line, message)
