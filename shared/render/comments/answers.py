"""Answers to commands that were not understood or make no sense now. Each says what to type instead."""

from __future__ import annotations

from typing import assert_never

from shared.domain import messages as m
from shared.domain.issue import PHASES
from shared.domain.view import View
from shared.render.forms import clock, login, sentence
from shared.render.markdown import code, command_fence, fold, paragraphs, prose
from shared.render.model_words import price_words

Answer = (
    m.UnknownVerb
    | m.BadArguments
    | m.StartFirst
    | m.NotNow
    | m.RoleUnknown
    | m.ContractChange
    | m.ModelUnknown
    | m.NotIncluded
    | m.SettingsBroken
    | m.FactMissing
    | m.EmptyRepository
)

# Why a verb makes no sense now: the headline's end, and a sentence.
NOT_NOW: dict[str, tuple[str, str]] = {
    "approved": ("the spec is approved already", "A change of it is a new version; the work is kept."),
    "closed": ("the issue is closed", "Reopen it, then type the command again."),
    "holds_already": ("that criterion holds already", "There is nothing to vouch for."),
    "no_agent": ("no agent is at work", "There is nobody who could hear it."),
    "no_approval": ("nothing is approved yet", "Money and time belong to an approved spec."),
    "no_commit": ("there is no commit to prove", "Once the agent has handed something over, it can be proved."),
    "no_spec": ("there is no spec yet", "It is written first."),
    "not_proposed": ("no spec waits for approval", "The status comment says where this stands."),
    "not_proved_yet": ("nothing has been proved yet", "After a proof each criterion can be accepted by name."),
    "nothing_kept": ("there is nothing to go on with", "A new start reads the issue again."),
    "nothing_runs": ("nothing runs", "Nothing is spent, either."),
    "out_of_money": ("the money is used up", "Raising the limit goes on by itself:"),
    "out_of_time": ("the time is used up", "Raising the limit goes on by itself:"),
    "phase": ("it makes no sense now", "The status comment says where this stands."),
    "pull_request": ("this is a pull request", "Work begins in an issue; type it there."),
    "runs": ("nothing is halted", "The status comment says what is under way."),
    "spec_is_set": ("the spec is set", "A comment can be taken in by a new version; name what is in it:"),
}


def render_answer(message: Answer, view: View) -> str:
    """What was not done, why, and what to type."""
    command = view.operator.command
    match message:
        case m.UnknownVerb():
            meant = f"Did you mean {code(message.line, 120)}? " if message.line else ""
            return paragraphs(
                f"**No such command: {code(message.word, 40)}.** {meant}Nothing was done. All of them: `{command} help`"
            )
        case m.BadArguments():
            verb = f"{command} {message.verb}".rstrip()
            return paragraphs(
                f"**Nothing was done: {code(verb, 60)} needs other words.** {sentence(prose(message.why, 300))} An example:",
                command_fence(message.example),
            )
        case m.StartFirst():
            return paragraphs(
                f"**Not started: someone with write access starts this.** With {code(command)} as the first line of a "
                "comment; after that you can use the other commands here."
            )
        case m.NotNow():
            return _not_now(message)
        case m.RoleUnknown():
            return _role_unknown(message, view)
        case m.ContractChange():
            approver = login(view.issue.approval.by) if view.issue.approval else "a person"
            return paragraphs(
                f"**Not passed on: that would change {prose(message.touches, 60)}.** The agent may not change what "
                f"{approver} approved. As a new version:",
                command_fence(message.line),
            )
        case m.ModelUnknown():
            return _model_unknown(message, view)
        case m.NotIncluded():
            return _not_included(message, command)
        case m.SettingsBroken():
            return _settings(message)
        case m.FactMissing():
            return paragraphs(
                f"**Not done: I could not read {prose(message.what, 80)}.** {sentence(prose(message.why, 200))} Nothing was "
                "started; type it again later.",
                _again(message.verb, view),
            )
        case m.EmptyRepository():
            return paragraphs(
                "**Not started: this repository has no commit yet.** There is nothing to build on. Push a first commit, then:",
                command_fence(command),
            )
    assert_never(message)


# Verbs that are typed again as they are; the others carry somebody's own words.
ALONE = frozenset({"", "interview", "plan", "spec", "stop", "resume", "retry", "verify", "status", "help"})


def _again(verb: str, view: View) -> str:
    """The line to repeat, where it is known."""
    if verb == "approve" and view.issue.version:
        return command_fence(f"{view.operator.command} approve v{view.issue.version}")
    return command_fence(f"{view.operator.command} {verb}".rstrip()) if verb in ALONE else ""


def _not_now(message: m.NotNow) -> str:
    known: dict[str, str] = dict(PHASES.items())
    state = known.get(message.phase, prose(message.phase, 30))
    ending, sentence = NOT_NOW.get(message.why, (f"it makes no sense now ({state})", ""))
    if sentence.endswith(":") and not message.line:
        sentence = sentence[:-1] + "."
    verb = code(message.verb, 30) if message.verb else "this"
    return paragraphs(
        f"**{verb} was not done: {ending}.** {sentence}".rstrip(), command_fence(message.line) if message.line else ""
    )


def _role_unknown(message: m.RoleUnknown, view: View) -> str:
    if message.still_trying:
        return paragraphs(
            "**Not started yet: GitHub does not answer who you are.** The permission look-up has failed since "
            f"{clock(message.since)}. I try again until {clock(message.until)} and start then; you need not repeat it."
        )
    return paragraphs(
        "**Not done: GitHub does not say what you may do here.** The permission look-up failed from "
        f"{clock(message.since)} to {clock(message.until)}: {sentence(prose(message.why, 160))} Type it again later.",
        _again(message.verb, view),
    )


def _not_included(message: m.NotIncluded, command: str) -> str:
    why = {
        "not_found": "I cannot find that comment; perhaps it was deleted.",
        "not_here": "It stands under another issue.",
        "no_link": "A link to one comment is wanted: its date is the link.",
        "ours": "It is one of my own.",
    }.get(message.why, sentence(prose(message.why, 120)))
    return paragraphs(
        f"**Not taken in: {code(message.link, 120) if message.link else 'no link'}.** {why}",
        command_fence(f"{command} include <link>"),
    )


def _model_unknown(message: m.ModelUnknown, view: View) -> str:
    what = f"{code(message.word, 60)} is none of the models here" if message.word else "a model has to be named"
    rows = []
    for name in message.known:
        offer = view.operator.offer(name)
        rows.append(f"- {code(name, 60)}" + (f": {price_words(offer)}" if offer is not None else ""))
    return paragraphs(
        f"**The model was not changed: {what}.** {'Did you mean this one?' if message.line else ''}".rstrip(),
        command_fence(message.line) if message.line else "",
        fold("What can be chosen here", "\n".join(rows)) if rows else "",
    )


def _settings(message: m.SettingsBroken) -> str:
    line = f" line {message.line}" if message.line else ""
    meant = f" Did you mean {code(message.nearest, 40)}?" if message.nearest else ""
    what = prose(message.what, 200).rstrip(".")
    return paragraphs(
        f"**`.github/persevere.yml`{line}: {what}.**{meant} Until it is right I start nothing here; `help`, `status` and "
        "`stop` work."
    )
