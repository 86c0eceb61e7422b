"""A box of our spec comment was ticked or un-ticked: an approval, bound as tightly as the typed one."""

from __future__ import annotations

import hashlib

from shared.domain.box import find_tick
from shared.domain.commands.approve import approve, approve_needs, lines_of_difference, refuse_version
from shared.domain.commands.command import Facts, Given
from shared.domain.facts import CommentNow, Need, RoleFact, RoleOf, Unknown
from shared.domain.inbound import Inbound
from shared.domain.messages import AlteredSpec, NotAllowed, NotNewest, RoleUnknown
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.jobs import stop_job
from shared.domain.workflow.turn import Turn


def box_needs(view: View, inbound: Inbound, facts: Facts) -> frozenset[Need]:
    """The sender's role and the settings; the payload itself proves what stood on the screen."""
    assert inbound.sender is not None
    needs: set[Need] = {RoleOf(inbound.sender.id, inbound.sender.login)}
    wanted = approve_needs(view, Given("approve", "", ""), facts)
    return frozenset(needs | {need for need in wanted if not isinstance(need, CommentNow)})


def on_box(turn: Turn) -> None:
    """Only an edit of a spec comment of ours counts; everything else that people edit there is put back."""
    comment = turn.inbound.comment
    version = _version_of(turn)
    if comment is None or version is None:
        turn.outcome = "ignored: no spec comment of ours"
        return
    before, after = (comment.before or "").replace("\r\n", "\n"), comment.body.replace("\r\n", "\n")
    posted = turn.issue.slots[f"spec-v{version}"]
    deed = find_tick(before, after)
    if deed == "unticked":
        _on_untick(turn, version)
        return
    role = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    if isinstance(role, Unknown):
        turn.reply(RoleUnknown(verb="approve", why=role.why, since=turn.inbound.received, until=turn.now))
        _put_back(turn, version, "refused: role unknown")
        return
    assert isinstance(role, RoleFact)
    if role.role < Role.WRITE:
        turn.reply(
            NotAllowed(verb="approve", who=turn.sender.login, role=role.role, needed=Role.WRITE, checked_at=turn.now)
        )
        _put_back(turn, version, "refused: role")
        return
    if deed == "other" or hashlib.sha256(before.encode()).hexdigest() != posted.sha256:
        if turn.issue.phase != "proposed" or version != turn.issue.version:
            turn.outcome = "ignored: an edit of a decided spec"
            return
        removed, added = lines_of_difference(before, after)
        turn.reply(AlteredSpec(version=version, who=turn.sender.login, removed=removed, added=added))
        _put_back(turn, version, "refused: altered")
        return
    refusal = refuse_version(turn, version)
    if refusal is not None:
        if isinstance(refusal, NotNewest) or turn.issue.phase == "proposed":
            turn.reply(refusal)
        _put_back(turn, version, f"refused: {refusal.name}")
        return
    approve(turn, "box")


def _version_of(turn: Turn) -> int | None:
    comment = turn.inbound.comment
    for slot, remote in turn.issue.slots.items():
        if comment is not None and slot.startswith("spec-v") and remote.id == comment.id:
            return int(slot.removeprefix("spec-v"))
    return None


def _put_back(turn: Turn, version: int, outcome: str) -> None:
    turn.wish("spec_comment", f"spec-v{version}", version=version)
    turn.outcome = outcome


def _on_untick(turn: Turn, version: int) -> None:
    """Before anything was spent, taking the tick away cancels. Later it is put back: `stop` ends a build."""
    issue, job = turn.issue, turn.job(turn.issue.job)
    early = issue.phase == "approved" and job is not None and job.status in ("queued", "launching")
    role = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    allowed = isinstance(role, RoleFact) and role.role >= Role.WRITE
    if early and allowed and issue.approval is not None and issue.approval.version == version:
        stop_job(turn, "cancelled")
        turn.move("proposed", approval=None, build=None)
        turn.deadline("approval", turn.now + turn.view.operator.approval_open_s * 1000)
        turn.outcome = "cancelled before anything was spent"
        turn.wish("spec_comment", f"spec-v{version}", version=version)
        turn.show()
        return
    _put_back(turn, version, "ignored: too late to un-tick")
