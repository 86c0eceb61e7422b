"""Answers to an approval that did not start a build, and to people without the role."""

from __future__ import annotations

import textwrap
from typing import assert_never

from shared.domain import messages as m
from shared.domain.issue import PHASES
from shared.domain.view import View
from shared.render.forms import clock, count, listed, login
from shared.render.markdown import code, command_fence, fence, paragraphs, printable, prose

Refusal = (
    m.NotAllowed
    | m.NotNewest
    | m.NoSuchVersion
    | m.WrongFingerprint
    | m.FingerprintWanted
    | m.AlteredSpec
    | m.TooOld
    | m.AboveCeiling
    | m.TwoPerson
    | m.AlreadyRunning
    | m.CannotRunHere
    | m.TooSmall
    | m.PriceUnknown
    | m.OfferApprove
)
WIDTH = 40


def render_refusal(message: Refusal, view: View) -> str:
    """What was not started, why, and the line that would do."""
    command = view.operator.command
    match message:
        case m.NotAllowed():
            return _not_allowed(message)
        case m.NotNewest():
            posted = f"v{message.newest} was posted at {clock(message.posted_at)}." if message.posted_at else ""
            return paragraphs(
                f"**Not started: v{message.asked} is not the newest.** {posted or f'v{message.newest} is.'}",
                command_fence(f"{command} approve v{message.newest}"),
            )
        case m.NoSuchVersion():
            return paragraphs(
                f"**There is no v{message.asked} to show or start.** The newest is v{message.newest}.",
                command_fence(f"{command} spec v{message.newest}"),
            )
        case m.WrongFingerprint():
            return paragraphs(
                f"**Not started: the fingerprint does not fit.** You wrote {code(message.given, 16)}; v{message.version} is "
                f"{code(message.real, 16)}. Perhaps it was copied from another issue. The right line:",
                command_fence(f"{command} approve v{message.version} {message.real}"),
            )
        case m.FingerprintWanted():
            return paragraphs(
                f"**Not started: this repository wants the fingerprint, too.** `approval: exact` stands in "
                f"`.github/persevere.yml`; it says that you mean exactly this text of v{message.version}:",
                command_fence(f"{command} approve v{message.version} {message.real}"),
            )
        case m.AlteredSpec():
            return _altered(message, view)
        case m.TooOld():
            days = count(view.operator.approval_open_s // 86_400, "day")
            main = code(view.issue.repository.default_branch, 60)
            return paragraphs(
                f"**Not started: v{message.version} is {count(message.days, 'day')} old.** Approvals close after {days}. "
                f"A new version, tried on today's {main}:",
                command_fence(f"{command} plan"),
            )
        case _:
            return _terms(message, view)


def _not_allowed(message: m.NotAllowed) -> str:
    has = f"{login(message.who)} has {message.role.word} access here (checked {clock(message.checked_at)})."
    if message.role.word == "none":
        has = f"{login(message.who)} has no access of that kind here (checked {clock(message.checked_at)})."
    needed = message.needed.word
    if message.verb == "approve":
        return paragraphs(
            f"**Not started: approving needs {needed} access.** {has} Anyone with {needed} access can tick the box."
        )
    what = f"`{_word(message.verb)}`" if message.verb else "starting"
    return paragraphs(f"**Not done: {what} needs {needed} access.** {has} Anyone with {needed} access can do it.")


def _word(verb: str) -> str:
    return "".join(char for char in verb if char.isalpha())[:20] or "that"


def _altered(message: m.AlteredSpec, view: View) -> str:
    """Somebody's edit of our text is no change of the spec; it is shown, and put back."""
    command = view.operator.command
    who = login(message.who) or "Somebody"
    lines = [("- ", line) for line in message.removed] + [("+ ", line) for line in message.added]
    shown = [wrapped for sign, line in lines for wrapped in _wrapped(sign, line)]
    return paragraphs(
        f"**Not started: someone changed the text of my spec comment.** {who} edited v{message.version}"
        + (":" if shown else "."),
        fence("\n".join(shown), "diff") if shown else "",
        f"An edit of my comment does not change the spec. I have put v{message.version} back; tick or approve it again, "
        f"or make that edit a version: `{command} revise <what>`",
        command_fence(f"{command} approve v{message.version}"),
    )


def _wrapped(sign: str, line: str) -> list[str]:
    return [sign + part for part in textwrap.wrap(printable(line)[:400], WIDTH - len(sign)) or [""]]


Terms = m.AboveCeiling | m.TwoPerson | m.AlreadyRunning | m.CannotRunHere | m.TooSmall | m.PriceUnknown | m.OfferApprove


def _terms(message: Terms, view: View) -> str:
    """Who, where and for how much: refusals that are not about the version."""
    command = view.operator.command
    match message:
        case m.AboveCeiling():
            asked, ceiling = prose(message.asked, 20), prose(message.ceiling, 20)
            return paragraphs(
                f"**Not started: {asked} is above the ceiling here ({ceiling} {prose(message.per, 20)}).** The operator sets it. "
                + ("This makes a version that can be approved:" if message.line else "Less than that can be added."),
                command_fence(message.line) if message.line else "",
            )
        case m.TwoPerson():
            return paragraphs(
                "**Not started: the one who asked may not approve alone.** This repository wants two people "
                f"(`two_person` in `.github/persevere.yml`). {login(message.who)} asked, so someone else with write access "
                "decides."
            )
        case m.AlreadyRunning():
            return paragraphs(
                f"**Started already.** v{message.version} was approved by {login(message.by)} at {clock(message.at)}; now: "
                f"{_phase(message.phase)}. Nothing was started twice."
            )
        case m.CannotRunHere():
            return _cannot_run(message, command)
        case m.TooSmall():
            return paragraphs(
                f"**Not started: {prose(message.limit, 20)} cannot pay for the first steps.** The smallest step with "
                f"{prose(message.model, 60)} here is about {prose(message.step, 20)}, and a share is kept for proof. "
                f"From {prose(message.from_, 20)} on it can begin.",
                command_fence(f"{command} revise budget {message.from_}"),
            )
        case m.PriceUnknown():
            known = listed([prose(each, 60) for each in message.known[:6]])
            return paragraphs(
                f"**Not started: I do not know what {code(message.model, 60)} costs.** I spend nothing that I cannot count."
                f"{f' Known here: {known}.' if known else ''} The operator chooses another model or adds its price."
            )
        case m.OfferApprove():
            return paragraphs(
                f"**Nothing started: an approval names its version.** If you mean v{message.version}, tick its box or "
                "comment:",
                command_fence(f"{command} approve v{message.version}"),
            )
    assert_never(message)


def _phase(phase: str) -> str:
    known: dict[str, str] = dict(PHASES.items())
    return known.get(phase, prose(phase, 30))


def _cannot_run(message: m.CannotRunHere, command: str) -> str:
    names = list(message.checks)
    lines = "\n".join(f"- {prose(name, 10)}: {prose(reason, 200)}" for name, reason in message.checks.items())
    return paragraphs(
        f"**Not started: {listed([prose(each, 10) for each in names[:4]])} cannot be checked here.**",
        lines,
        "Without a check I can write code but prove nothing. The operator adds what is missing, or name another check:",
        command_fence(f"{command} revise {names[0] if names else 'AC-1'}: <check>"),
    )
