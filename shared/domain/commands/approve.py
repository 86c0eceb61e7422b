"""`/persevere approve vN [HASH]`: binds an approval to one snapshot, then the build starts by itself."""

from __future__ import annotations

import difflib
import hashlib
import re
from typing import Literal

from shared.domain.chosen import chosen_model
from shared.domain.commands.command import Command, Facts, Given, Wrong
from shared.domain.commands.starting import refuse_settings
from shared.domain.facts import CommentFact, CommentNow, DefaultHead, HeadFact, Need, RoleFact, RoleOf, SettingsAt
from shared.domain.issue import Approval
from shared.domain.ledger import Ledger
from shared.domain.messages import (
    AboveCeiling,
    AlreadyRunning,
    AlteredSpec,
    CannotRunHere,
    FactMissing,
    FingerprintWanted,
    Message,
    NoSuchVersion,
    NotAllowed,
    NotNewest,
    NotNow,
    PriceUnknown,
    TooOld,
    TooSmall,
    TwoPerson,
    WrongFingerprint,
)
from shared.domain.money import dollars, minutes
from shared.domain.people import Role
from shared.domain.repository_settings import RepositorySettings
from shared.domain.spec import SpecRecord
from shared.domain.view import View
from shared.domain.workflow.ceilings import too_much
from shared.domain.workflow.halts import go_on
from shared.domain.workflow.jobs import start_build
from shared.domain.workflow.proposing import settings_of
from shared.domain.workflow.turn import DAY_MS, Turn

_ARGUMENTS = re.compile(r"^v?(\d{1,4})(?:\s+([0-9a-fA-F]{8,64}))?\.?$")
MIN_STEPS = 3  # fewer than that many smallest steps cannot come to anything
Way = Literal["box", "typed", "exact"]


def _check(given: Given) -> Wrong | None:
    if not given.arguments:
        return Wrong("name the version, such as `v1`")
    if not _ARGUMENTS.match(given.arguments):
        return Wrong(f"`{given.arguments[:80]}` is no version; `v2` is, or `v2 3f9a1c2e`")
    return None


def approve_needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    """The settings, and our spec comment as it stands now."""
    needs: set[Need] = {DefaultHead()}
    head = facts.get(DefaultHead())
    if isinstance(head, HeadFact) and head.sha:
        needs.add(SettingsAt(head.sha))
    posted = view.issue.slots.get(f"spec-v{view.issue.version}")
    if posted is not None:
        needs.add(CommentNow(posted.id))
    return frozenset(needs)


def _run(turn: Turn, given: Given) -> None:
    match = _ARGUMENTS.match(given.arguments)
    assert match is not None
    asked, given_hash = int(match[1]), (match[2] or "").lower()
    refusal = refuse_version(turn, asked)
    if refusal is None:
        assert turn.view.spec is not None
        if given_hash and not turn.view.spec.sha256.startswith(given_hash):
            refusal = WrongFingerprint(given=given_hash[:8], version=asked, real=turn.view.spec.sha256[:8])
    if refusal is None:
        refusal = _refuse_altered(turn, asked)
    if refusal is not None:
        turn.reply(refusal)
        turn.outcome = f"refused: {refusal.name}"
        return
    approve(turn, "exact" if given_hash else "typed")


def refuse_version(turn: Turn, asked: int) -> Message | None:
    """Why this version cannot be approved now, or None."""
    issue, spec = turn.issue, turn.view.spec
    approval = issue.approval
    if approval is not None and approval.version == asked and issue.phase not in ("interviewing", "proposed"):
        return AlreadyRunning(version=asked, by=approval.by.login, at=approval.at, phase=issue.phase)
    if spec is None or not issue.version:
        return NotNow(verb="approve", phase=issue.phase, why="no_spec", line=turn.command)
    if asked > issue.version:
        return NoSuchVersion(asked=asked, newest=issue.version)
    if asked < issue.version:
        return NotNewest(asked=asked, newest=issue.version, posted_at=issue.proposed_at)
    if issue.phase != "proposed" or spec.spec.version != asked:
        return NotNow(verb="approve", phase=issue.phase, why="not_proposed", line=turn.command)
    posted_at = issue.proposed_at or spec.made_at
    if turn.now - posted_at > turn.view.operator.approval_open_s * 1000:
        return TooOld(version=asked, days=(turn.now - posted_at) // DAY_MS)
    return None


def _refuse_altered(turn: Turn, version: int) -> Message | None:
    """The live comment must be what we posted: an edit of it does not change the spec."""
    posted = turn.issue.slots.get(f"spec-v{version}")
    if posted is None:
        return None
    fact = turn.fact(CommentNow(posted.id))
    if not isinstance(fact, CommentFact):
        return None  # deleted by somebody: the snapshot is what counts, and its version was named
    if hashlib.sha256(_unified(fact.body).encode()).hexdigest() == posted.sha256:
        return None
    turn.wish("spec_comment", f"spec-v{version}", version=version)
    return AlteredSpec(version=version, who="")


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n")


def lines_of_difference(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(removed, added) lines, at most six each, for showing what somebody changed."""
    rows = list(difflib.ndiff(_unified(before).split("\n"), _unified(after).split("\n")))
    removed = tuple(row[2:] for row in rows if row.startswith("- "))[:6]
    added = tuple(row[2:] for row in rows if row.startswith("+ "))[:6]
    return removed, added


def refuse_terms(turn: Turn, spec: SpecRecord, settings: RepositorySettings, way: Way) -> Message | None:
    """Why these terms cannot be approved by this person here, or None. Money is checked before anything is spent."""
    operator, limits = turn.view.operator, spec.spec.limits
    role = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    held = role.role if isinstance(role, RoleFact) else Role.NONE
    needed = Role.MAINTAIN if settings.approvers == "maintain" else Role.WRITE
    if held < needed:
        who = turn.sender.login
        return NotAllowed(verb="approve", who=who, role=held, needed=needed, checked_at=turn.now)
    if settings.approval == "exact" and way != "exact":
        return FingerprintWanted(version=spec.spec.version, real=spec.sha256[:8])
    requester = turn.issue.requester
    if settings.two_person and requester and requester.id == turn.sender.id:
        return TwoPerson(who=requester.login)
    if spec.cannot_run:
        return CannotRunHere(version=spec.spec.version, checks=spec.cannot_run)
    line = f"{turn.command} revise budget {dollars(operator.ceiling_nano)}"
    if limits.nano > operator.ceiling_nano:
        return AboveCeiling(asked=dollars(limits.nano), ceiling=dollars(operator.ceiling_nano), line=line)
    if limits.seconds > operator.ceiling_seconds:
        top = f"{minutes(operator.ceiling_seconds)} min"
        return AboveCeiling(
            asked=f"{minutes(limits.seconds)} min",
            ceiling=top,
            line=f"{turn.command} revise time {minutes(operator.ceiling_seconds)}m",
        )
    above = too_much(operator, limits.nano)
    if above is not None:
        ceiling, per = dollars(above[0]), above[1]
        line = f"{turn.command} revise budget {ceiling}"
        return AboveCeiling(asked=dollars(limits.nano), ceiling=ceiling, line=line, per=per)
    return _refuse_model(turn, spec)


def _refuse_model(turn: Turn, spec: SpecRecord) -> Message | None:
    """The model has a price here, and the money pays for a few of its steps."""
    operator, limits = turn.view.operator, spec.spec.limits
    model = chosen_model(turn.issue.model_copy(update={"settings": settings_of(turn)}), operator)
    if operator.models and model not in operator.models:
        return PriceUnknown(model=model, known=operator.models)
    ledger = Ledger(limit_nano=limits.nano, limit_seconds=limits.seconds)
    step = operator.smallest_step(model)
    if ledger.building_nano < MIN_STEPS * step:
        return TooSmall(
            limit=dollars(limits.nano),
            step=dollars(step),
            from_=dollars(MIN_STEPS * step * 100 // (100 - ledger.kept_percent) + 1),
            model=operator.shown(model),
        )
    return None


def approve(turn: Turn, way: Way) -> None:
    """Bind the approval and start the build, or answer why not. The version was checked already."""
    issue, spec = turn.issue, turn.view.spec
    assert spec is not None
    if refuse_settings(turn):
        _untick(turn, way)
        return
    if not any(isinstance(need, SettingsAt) for need in turn.facts):
        turn.reply(FactMissing(verb="approve", what="`.github/persevere.yml`", why="the default branch was not found"))
        turn.outcome = "refused: fact missing"
        _untick(turn, way)
        return
    refusal = refuse_terms(turn, spec, settings_of(turn), way)
    if refusal is not None:
        turn.reply(refusal)
        turn.outcome = f"refused: {refusal.name}"
        _untick(turn, way)
        return
    role = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    assert isinstance(role, RoleFact)
    continued = issue.approval is not None
    number = issue.approvals + 1
    approval = Approval(
        version=spec.spec.version,
        sha256=spec.sha256,
        by=turn.sender,
        role=role.role.word,
        at=turn.now,
        base=spec.spec.base,
        ledger=number,
        way=way,
    )
    turn.react("rocket")
    go_on(turn)
    turn.ledger = Ledger(limit_nano=spec.spec.limits.nano, limit_seconds=spec.spec.limits.seconds)
    turn.new_ledger = True
    turn.move("approved", approval=approval, approvals=number, round=1, accepted={}, resumable=None)
    turn.change(
        verdicts=(), verified_head=None, settings=settings_of(turn)
    )  # a proof of another version proves nothing
    turn.deadline("approval", None)
    turn.wish("spec_comment", f"spec-v{approval.version}", version=approval.version)
    message = f"The contract is now v{approval.version}; go on with the work kept." if continued else ""
    start_build(turn, message=message)
    turn.event(
        "command", f"approved v{approval.version} by {turn.sender.login} ({approval.role})", sha256=approval.sha256
    )
    turn.show()


def _untick(turn: Turn, way: Way) -> None:
    """A box that was ticked in vain is put back."""
    if way == "box":
        turn.wish("spec_comment", f"spec-v{turn.issue.version}", version=turn.issue.version)


def _offer(view: View) -> tuple[str, str] | None:
    if view.issue.phase == "proposed" and view.spec is not None:
        limits = view.spec.spec.limits
        does = f"builds it, up to {dollars(limits.nano)} and {minutes(limits.seconds)} min"
        return f"approve v{view.issue.version}", does
    return None


COMMAND = Command(
    verb="approve",
    usage="approve vN [fingerprint]",
    summary="builds that version of the spec, within its limits",
    role=Role.WRITE,
    run=_run,
    examples=("approve v2", "approve v2 3f9a1c2e"),
    check=_check,
    needs=approve_needs,
    offer=_offer,
)
