"""What people did to the issue or the pull request itself."""

from __future__ import annotations

from shared.domain.commands.stop import NOTHING_RUNS, stop
from shared.domain.issue import Pull, Waiting
from shared.domain.workflow.halts import rest
from shared.domain.workflow.jobs import PUSHED_TO, start_verify, stop_job
from shared.domain.workflow.turn import Turn

PROVED_AGAIN = frozenset({"approved", "building", "verifying", "in_review", "waiting", "paused"})


def on_issue(turn: Turn) -> None:
    """Edited, closed, reopened, locked, unlocked, deleted, labeled."""
    issue = turn.issue
    if not issue.started:
        turn.outcome = "ignored: nobody asked us anything here"
        return
    who = turn.inbound.sender.login if turn.inbound.sender else ""
    match turn.inbound.action:
        case "closed":
            _closed(turn, who)
        case "reopened":
            turn.change(closed=False)
            if issue.phase == "stopped" and issue.waiting and issue.waiting.reason == "closed":
                line = f"{turn.command} resume"
                turn.change(waiting=issue.waiting.model_copy(update={"reason": "reopened", "line": line}))
            turn.wish("status", "status")
        case "locked":
            turn.change(locked=True)
        case "unlocked":
            turn.change(locked=False, notes=tuple(note for note in issue.notes if note.name != "locked"))
            if issue.phase == "proposed" and not issue.proposed_posted:
                turn.wish("spec_comment", f"spec-v{issue.version}", version=issue.version)
            turn.show()
        case "edited":
            if issue.approval is not None and issue.phase not in ("done", "ended"):
                turn.note("issue_edited", who=who)
                turn.wish("status", "status")
            elif issue.phase in ("interviewing", "proposed"):
                turn.note("issue_edited_early", who=who)
                turn.wish("status", "status")
        case "deleted" | "transferred":
            stop_job(turn, "issue deleted")
            turn.change(closed=True)
            if issue.phase not in NOTHING_RUNS:
                turn.move("ended")
                rest(turn)
        case _:
            turn.outcome = f"ignored: {turn.inbound.action}"


def _closed(turn: Turn, who: str) -> None:
    issue = turn.issue
    turn.change(closed=True)
    merged_by_us = issue.pull is not None and issue.pull.state == "merged"
    if merged_by_us or issue.phase in NOTHING_RUNS:
        turn.wish("status", "status")
        return
    if issue.phase == "in_review":
        # A merge closes the issue ("Closes #n") and its own event may come second: nothing runs, so nothing to stop.
        turn.note("issue_closed", who=who)
        turn.wish("status", "status")
        return
    stop(turn, who, reason="closed")


def on_pull(turn: Turn) -> None:
    """Closed or merged, reopened, or pushed to by somebody."""
    issue, data = turn.issue, turn.inbound.data
    if issue.pull is None or issue.pull.number != int(data.get("number") or 0):
        turn.outcome = "ignored: not our pull request"
        return
    who = turn.inbound.sender.login if turn.inbound.sender else ""
    match turn.inbound.action:
        case "closed" if data.get("merged"):
            stop_job(turn, "merged")
            turn.change(pull=issue.pull.model_copy(update={"state": "merged"}))
            turn.move("done", waiting=None)
            rest(turn)
            turn.change(waiting=Waiting(reason="merged", whose=who, since=turn.now))
            turn.show()
        case "closed" if issue.phase == "done":
            turn.outcome = "ignored: merged already"
        case "closed":
            stop_job(turn, "pull request closed")
            turn.change(pull=issue.pull.model_copy(update={"state": "closed"}))
            turn.move("ended")
            rest(turn)
            line = f"{turn.command} retry"
            turn.change(waiting=Waiting(reason="pull_closed", whose=who, line=line, since=turn.now))
            turn.show()
        case "reopened":
            turn.change(pull=issue.pull.model_copy(update={"state": "open"}))
            if issue.phase == "ended":
                turn.move("in_review")
            turn.show()
        case "synchronize":
            _pushed(turn, who, str(data.get("head") or ""))
        case _:
            turn.outcome = f"ignored: {turn.inbound.action}"


def _pushed(turn: Turn, who: str, head: str) -> None:
    """A person's push on our branch is built upon: earlier proof is void, everything is proved again."""
    issue = turn.issue
    if not head or head == issue.head:
        turn.outcome = "ignored: our own push"
        return
    assert isinstance(issue.pull, Pull)
    turn.note("pushed", who=who, text=head)
    turn.change(head=head, work_tree=None, people_head=head, verdicts=(), verified_head=None)
    if issue.approval is not None and issue.phase in PROVED_AGAIN:
        stop_job(turn, PUSHED_TO)
        turn.move("verifying", round=turn.view.operator.rounds)
        turn.note("pushed", who=who, text=head)
        start_verify(turn)
    turn.show()
