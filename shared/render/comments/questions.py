"""A round of questions: one comment, complete when posted, that mentions the one who is asked."""

from __future__ import annotations

from shared.domain.issue import Option, Question
from shared.domain.messages import Questions
from shared.domain.view import View
from shared.render.forms import count, mention
from shared.render.markdown import fold, paragraphs, prose


def questions(message: Questions, view: View) -> str:
    interview = view.issue.interview
    number = count(len(interview.questions), "question")
    rounds = f"(round {message.round} of at most {view.operator.interview_rounds})"
    body = "\n".join(line for each in interview.questions for line in _question(each))
    known = "\n".join(f"- {prose(each, 240)}" for each in interview.known)
    return paragraphs(
        f"{mention(message.to)}, **{number} before I can write the spec** {rounds}",
        body,
        f"{_how(interview.questions)} I go on when it has been quiet for {_quiet(view)}.",
        fold("Not asked, because the repository says so", known) if known else "",
    )


def _question(question: Question) -> list[str]:
    return [f"{question.number}. {prose(question.text, 400)}", *(_option(each) for each in question.options)]


def _option(option: Option) -> str:
    why = f" (proposed: {prose(option.why, 200)})" if option.why else ""
    return f"   - **{prose(option.letter, 3)}** {prose(option.text, 300)}{why}"


def _how(asked: tuple[Question, ...]) -> str:
    """How to answer, with an example that fits these questions."""
    example = " ".join(f"{each.number}{each.options[-1].letter}" for each in asked if each.options)
    if not example:
        return "Reply in your own words."
    proposed = any(option.why for each in asked for option in each.options)
    ok = ", or `ok` for all proposals" if proposed else ""
    return f"Reply `{example}`, or in your own words{ok}."


def _quiet(view: View) -> str:
    seconds = view.operator.quiet_s
    return count(round(seconds), "second") if seconds < 60 else count(round(seconds / 60), "minute")
