"""Halts that need a person: one comment, one mention, complete when posted. What is safe is said, then what to type."""

from __future__ import annotations

from typing import assert_never

from shared.domain import messages as m
from shared.domain.evidence import Verdict
from shared.domain.money import dollars, minutes
from shared.domain.view import View
from shared.render.criteria import current, holding, summary
from shared.render.forms import clock, count, listed, login, mention, short, spent, worked
from shared.render.links import pull_link
from shared.render.markdown import (
    clip_middle,
    code,
    command_fence,
    fence,
    fold,
    one_line,
    paragraphs,
    prose,
    quote,
    quoted,
)

Halt = (
    m.EndedUnproved
    | m.OutOf
    | m.AskingUsedUp
    | m.NotPublished
    | m.NothingToBuild
    | m.NoChange
    | m.CannotPrepare
    | m.BranchRefused
    | m.BranchMoved
    | m.PullRefused
    | m.ModelStopped
    | m.NoMachine
    | m.SpecTooLong
    | m.PermissionMissing
    | m.Fault
)


def render_halt(message: Halt, view: View) -> str:
    """What happened, why, what is kept, and the one line that goes on."""
    to, command = mention(message.to), view.operator.command
    match message:
        case m.EndedUnproved():
            return _unproved(message, view)
        case m.OutOf():
            return _out_of(message, view)
        case m.AskingUsedUp():
            return paragraphs(
                f"{to}, **waiting: the money for asking is used up** ({prose(message.spent, 20)} of "
                f"{prose(message.limit, 20)})",
                "Reading, questions and the spec have an allowance of their own; the operator of this installation sets it. "
                "Nothing is lost. When it is raised:",
                command_fence(f"{command} resume"),
            )
        case m.NotPublished():
            return _not_published(message, view)
        case m.NothingToBuild():
            names = listed([prose(each, 10) for each in message.criteria])
            one = len(message.criteria) == 1
            return paragraphs(
                f"{to}, **nothing to build: {names} already {'passes' if one else 'pass'}** at {short(message.base)}",
                f"Perhaps somebody repaired it. Nothing was started, {prose(message.spent, 20)} was spent on asking. If "
                "something is still wrong, say what you see:",
                command_fence(f"{command} revise <what>"),
            )
        case m.NoChange():
            said = quote(message.summary, 600) if one_line(message.summary) else ""
            return paragraphs(
                f"{to}, **no change came out of it**",
                f"The agent called itself done and had changed no file, so there is no pull request. "
                f"{prose(message.spent, 20)} is spent.{' It said:' if said else ''}",
                said,
                "To let it try again:",
                command_fence(_line(view, f"{command} resume")),
            )
        case m.CannotPrepare():
            return _cannot_prepare(message, view)
        case _:
            return _foreign(message, view)


def _line(view: View, otherwise: str) -> str:
    """The line that the halt itself names; it was chosen together with the message."""
    halt = view.issue.waiting
    return halt.line if halt is not None and halt.line else otherwise


def _work(view: View) -> str:
    """Where the work stands, so that nobody fears for it."""
    issue = view.issue
    if issue.pull is not None and issue.pull.state == "open":
        return f"{'Draft ' if issue.pull.draft else ''}{pull_link(view)} has the work so far."
    if issue.branch and issue.head:
        return f"The work is on {code(issue.branch, 80)} at {short(issue.head)}."
    return "The work is kept." if issue.build else "Nothing is lost."


def _cost(view: View) -> str:
    return f"{spent(view.ledger)} and {worked(view.ledger)}." if view.ledger is not None else ""


# --- proof and limits -----------------------------------------------------------------------------------------


def _unproved(message: m.EndedUnproved, view: View) -> str:
    verdicts = current(view)
    red = [each for each in verdicts if each.conclusion in ("failed", "unproven")]
    names = listed([each.criterion for each in red]) or "not everything"
    bold = f"**{names} could not be proved in {count(message.rounds, 'round')}**"
    command = view.operator.command
    first = red[0].criterion if red else "AC-1"
    return paragraphs(
        f"{mention(message.to)}, {bold}",
        f"{_work(view)} {summary(verdicts)}.".replace(" .", "") if verdicts else _work(view),
        "\n".join(_why(each) for each in red[:4]),
        command_fence(_line(view, f"{command} revise {first}: <what may differ>")),
        f"Or start over with `{command} retry`, or vouch by name: `{command} accept {first} <why>`. Until then nothing is "
        f"spent. {_cost(view)}".rstrip(),
    )


def _why(verdict: Verdict) -> str:
    reason = prose(verdict.reason, 200) or "no reason was recorded"
    last = [line for line in verdict.tail.strip().split("\n") if line.strip()][-1:]
    shown = f" ({code(last[0], 120)})" if last and verdict.conclusion == "failed" else ""
    return f"- {verdict.criterion} {prose(verdict.text, 100)}: {reason}{shown}. Its whole output: `Persevere / {verdict.criterion}`"


def _out_of(message: m.OutOf, view: View) -> str:
    verdicts = current(view)
    hold = f", {holding(verdicts)} of {count(len(verdicts), 'criterion', 'criteria')} hold" if verdicts else ""
    proved = (
        f" Proved on {short(view.issue.head or '')}: {summary(verdicts)}." if verdicts else " Nothing is proved yet."
    )
    return paragraphs(
        f"{mention(message.to)}, **paused: the {message.what} is used up{hold}**",
        f"{_cost(view)} {_work(view)}{proved} {_last_round(view)}".strip(),
        command_fence(message.line),
        "Or leave it: nothing is spent while it waits, and the work is kept.",
    )


def _last_round(view: View) -> str:
    """What one more round may cost, by the last one: with it a person can choose how far to raise the limit."""
    nano, build = sum(step.billed.nano for step in view.steps), view.build
    if build is None or not view.steps:
        return ""
    took = f" and {minutes(build.seconds)} min" if build.seconds else ""
    return f"The last round of building cost {dollars(nano)}{took}."


# --- what was not written -------------------------------------------------------------------------------------


def _not_published(message: m.NotPublished, view: View) -> str:
    rules = {problem.get("rule", "") for problem in message.problems}
    secret = any("secret" in rule for rule in rules)
    what = "a secret stands in the change" if secret else "the change touches what it may not"
    if rules and all(rule in ("size", "too_big") for rule in rules):
        what = "the change is too large"
    lines = "\n".join(_problem(each) for each in message.problems[:6])
    more = f"\n- and {len(message.problems) - 6} more" if len(message.problems) > 6 else ""
    rotate = "If it is a real one, it came from the repository or from this issue: rotate it." if secret else ""
    patch = (
        fold("The patch, to apply by hand", fence(clip_middle(message.patch, 6000), "diff")) if message.patch else ""
    )
    line = message.line or _line(view, f"{view.operator.command} revise <what>")
    return paragraphs(
        f"{mention(message.to)}, **not published: {what}**",
        f"{lines}{more}",
        f"Nothing was pushed. {rotate}".rstrip(),
        command_fence(line),
        patch,
    )


def _problem(problem: dict[str, str]) -> str:
    path, words = problem.get("path", ""), problem.get("words") or problem.get("rule", "")
    return f"- {code(path, 120)}: {prose(words, 200)}" if path else f"- {prose(words, 240)}"


def _cannot_prepare(message: m.CannotPrepare, view: View) -> str:
    what = {"clone": "I could not fetch this repository", "setup": "I cannot run this repository yet"}
    tail = clip_middle(message.tail, 1500)
    shown = f"{code(message.command, 120)} did not work" if message.stage == "setup" else "The clone did not work"
    setting = "A set-up that works here can be named in `.github/persevere.yml` (`setup:`), or the operator adds what is missing. Then:"
    return paragraphs(
        f"{mention(message.to)}, **{what.get(message.stage, 'the workspace could not be prepared')}**",
        f"{shown}: {prose(message.reason, 240).rstrip('.')}. Without it I can write code but prove nothing.",
        fold("What it printed", fence(tail)) if one_line(tail) else "",
        setting if message.stage == "setup" else "Then:",
        command_fence(_line(view, f"{view.operator.command} resume")),
    )


Foreign = (
    m.SpecTooLong
    | m.BranchRefused
    | m.BranchMoved
    | m.PullRefused
    | m.ModelStopped
    | m.NoMachine
    | m.PermissionMissing
    | m.Fault
)


def _sentence(words: str) -> str:
    """Somebody's words as the beginning of a sentence of ours, without their full stop."""
    said = prose(words, 240).rstrip(".")
    return said[:1].upper() + said[1:]


def _foreign(message: Foreign, view: View) -> str:
    """Somebody else said no: GitHub, a provider, a machine; or a fault of ours."""
    to, command = mention(message.to), view.operator.command
    match message:
        case m.SpecTooLong():
            return paragraphs(
                f"{to}, **spec v{message.version} is too long to be shown**",
                f"{_sentence(message.words)}. Nobody can approve what cannot be read, so it waits. "
                "Fewer criteria, or shorter checks:",
                command_fence(message.line),
            )
        case m.BranchRefused():
            return paragraphs(
                f"{to}, **GitHub refused the branch**: {quoted(message.words, 240)}",
                f"I do not try to get around rules. {_work(view)} When the rule allows this App:",
                command_fence(message.line or f"{command} resume"),
            )
        case m.BranchMoved():
            found = f" It is at {short(message.found)} now." if message.found else " It is gone."
            return paragraphs(
                f"{to}, **somebody else changed my branch**",
                f"{code(message.branch, 80)} was not where I left it.{found} That is untouched; my own change was not put on "
                "top of it. To start over from the approved spec, on a new branch:",
                command_fence(_line(view, f"{command} retry")),
            )
        case m.PullRefused():
            return paragraphs(
                f"{to}, **there is no pull request: GitHub refused it**",
                f"It said: {quoted(message.words, 240)}. {_work(view)}",
                command_fence(message.line or _line(view, f"{command} retry")),
            )
        case m.ModelStopped():
            return _model(message, view)
        case m.NoMachine():
            return paragraphs(
                f"{to}, **waiting for a machine since {clock(message.since)}**",
                f"{_sentence(message.why)}. Nothing is spent meanwhile. {_work(view)} To try again:",
                command_fence(message.line),
            )
        case m.PermissionMissing():
            return paragraphs(
                f"{to}, **waiting for a permission**",
                f"GitHub refused: {quoted(message.words, 240)}. It takes two steps: the operator changes the App, then an "
                f"owner of {login(view.issue.repository.owner)} accepts that in the settings of the installation. Then:",
                command_fence(message.line or f"{command} resume"),
            )
        case m.Fault():
            step = f" at step {message.step}" if message.step else ""
            return paragraphs(
                f"{to}, **a fault in Persevere itself ended this**{step}",
                f"{_work(view)} {prose(message.spent, 20)} is spent.",
                command_fence(message.line),
                f"If it happens again, give your operator this number: {code(message.number, 60)}",
            )
    assert_never(message)


MODEL_WORDS = {
    "spend_cap": "the spending limit at the provider is reached",
    "model": "the provider does not have {model}",
    "refused": "{model} declined this task",
    "key": "the provider refuses the key",
    "exhausted": "{model} has nothing more to say",
    "stuck": "the agent turns in circles",
    "invalid": "{model} gave no answer that can be used",
    "cut": "{model} was cut off before its answer was whole",
    "busy": "the provider does not answer",
}
MODEL_TURN = {
    "refused": "Asking again rarely helps; saying it in other words may.",
    "spend_cap": "Only the operator can raise it there. When that is done:",
    "model": "The operator chooses another one, or:",
    "key": "Only the operator of this installation can repair it. When it works again:",
    "busy": "It is theirs to repair; later it may work:",
    "cut": "A smaller issue, or another model, needs less room. To try again:",
}
MODEL_AGAIN = {
    "spend_cap": "Only the operator can raise it there. The clock stands still, and I go on by myself when it is done. At once:",
    "key": "Only the operator of this installation can repair it; `persevere doctor` shows them where. The clock stands "
    "still, and I go on by myself when the key works. At once:",
}


def _model(message: m.ModelStopped, view: View) -> str:
    words = MODEL_WORDS.get(message.why, "{model} does not go on").format(model=prose(message.model, 60) or "the model")
    detail = f"It says: {quoted(message.detail, 240)}. " if one_line(message.detail) else ""
    whose = MODEL_AGAIN if message.again else MODEL_TURN
    return paragraphs(
        f"{mention(message.to)}, **waiting: {words}**",
        f"{detail}{prose(message.spent, 20)} is spent. {_work(view)} {whose.get(message.why, 'To try again:')}",
        command_fence(message.line),
        f"To go on now with another provider: {code(message.other, 120)}" if message.other else "",
    )
