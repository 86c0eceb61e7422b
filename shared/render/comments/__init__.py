"""Every comment of ours that is no status and no spec: questions, answers to commands, halts that need a person."""

from __future__ import annotations

from typing import assert_never

from shared.domain import messages as m
from shared.domain.messages import Message
from shared.domain.view import View
from shared.render.comments import answers, halts, refusals
from shared.render.comments.help import help_now
from shared.render.comments.questions import questions
from shared.render.comments.spec_shown import spec_shown


def render_comment(message: Message, view: View) -> str:
    """The whole text of one comment. Halts mention the one who is asked; answers to a command mention nobody."""
    match message:
        case m.Questions():
            return questions(message, view)
        case m.Help():
            return help_now(message, view)
        case m.SpecShown():
            return spec_shown(message, view)
        case (
            m.EndedUnproved() | m.OutOf() | m.AskingUsedUp() | m.NotPublished() | m.NothingToBuild() | m.NoChange()
            | m.CannotPrepare() | m.BranchRefused() | m.BranchMoved() | m.PullRefused() | m.ModelStopped()
            | m.SpecTooLong() | m.NoMachine() | m.PermissionMissing() | m.Fault()
        ):  # fmt: skip
            return halts.render_halt(message, view)
        case (
            m.NotAllowed() | m.NotNewest() | m.NoSuchVersion() | m.WrongFingerprint() | m.FingerprintWanted()
            | m.AlteredSpec() | m.TooOld() | m.AboveCeiling() | m.TwoPerson() | m.AlreadyRunning() | m.CannotRunHere()
            | m.TooSmall() | m.PriceUnknown() | m.OfferApprove()
        ):  # fmt: skip
            return refusals.render_refusal(message, view)
        case (
            m.UnknownVerb() | m.BadArguments() | m.StartFirst() | m.NotNow() | m.RoleUnknown() | m.ContractChange()
            | m.ModelUnknown() | m.NotIncluded() | m.SettingsBroken() | m.FactMissing() | m.EmptyRepository()
        ):  # fmt: skip
            return answers.render_answer(message, view)
    assert_never(message)
