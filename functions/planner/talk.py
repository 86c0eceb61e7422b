"""The planner's conversation of one issue: every earlier question to the model with its answer, then what is new.

What a question told is stored with it, so the conversation is append-only like an agent's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.planner.answer import Want
from shared.agent import prompts
from shared.agent.data import clip, fence
from shared.agent.turns import Turn, assistant, user
from shared.domain.heard import Heard
from shared.domain.issue import IssueState
from shared.domain.operator import Operator
from shared.domain.plan import PlanState
from shared.domain.spec import SpecRecord
from shared.domain.step import StepState

ISSUE_CHARS = 20_000
BRIEF_CHARS = 40_000
WORDS_CHARS = 30_000


@dataclass(frozen=True, slots=True)
class Talk:
    """An earlier or the present piece of work, with the calls that have answers, in order."""

    plan: PlanState
    calls: tuple[StepState, ...]

    @property
    def answered(self) -> tuple[StepState, ...]:
        return tuple(call for call in self.calls if call.asking and call.reply and call.raw is not None)


def turns_of(talks: Sequence[Talk]) -> tuple[Turn, ...]:
    """What was said before, by the time at which each piece of work was claimed."""
    turns: list[Turn] = []
    for talk in sorted(talks, key=lambda each: (each.plan.claimed_at, each.plan.effect)):
        for call in talk.answered:
            assert call.asking is not None
            assert call.reply is not None
            turns.append(user(call.asking.note))
            turns.append(assistant(call.reply.text, (), call.raw, "planner"))
    return tuple(turns)


def wanted(issue: IssueState, operator: Operator) -> Want:
    """Whether questions are possible, or have to be asked: `interview` asks at least once, `plan` never, rounds end."""
    if issue.revision or issue.mode == "plan" or issue.interview.round >= operator.interview_rounds:
        return "spec"
    return "questions" if issue.mode == "interview" and issue.interview.round == 0 else "either"


def opening_text(
    issue: IssueState, want: Want, heard: Sequence[Heard], brief: str | None, spec: SpecRecord | None, *, first: bool
) -> str:
    """What the next question tells: the issue once, the brief when it is new (None: it is not), words since, the task."""
    parts = []
    if first and issue.taken is not None:
        text = clip(f"{issue.taken.title}\n\n{issue.taken.body}".strip(), ISSUE_CHARS)
        data = fence(text, f"the issue, by {issue.taken.author.login} ({issue.taken.author_role})")
        parts.append(prompts.PLAN_ISSUE.format(repository=issue.repository.full_name, issue=data))
    if brief is not None:
        parts.append(prompts.PLAN_BRIEF.format(brief=fence(clip(brief, BRIEF_CHARS), "a brief of the repository")))
    if heard:
        words = "\n\n".join(_words(each) for each in heard)
        parts.append(prompts.PLAN_HEARD.format(words=clip(words, WORDS_CHARS)))
    if spec is not None and spec.today:
        lines = [
            f"- {each}: {words} {spec.cannot_run.get(each, '')}".rstrip() for each, words in sorted(spec.today.items())
        ]
        parts.append(prompts.PLAN_TODAY.format(version=f"v{spec.spec.version}", lines="\n".join(lines)))
    if issue.revision:
        by, text = issue.revision_by or "a person", fence(issue.revision, "the wish")
        parts.append(prompts.PLAN_REVISE.format(version=f"v{issue.version}", by=by, text=text))
    else:
        parts.append(_task(want))
    return "\n\n".join(parts)


def system_text(operator: Operator) -> str:
    return prompts.PLANNER.replace("{questions}", str(operator.questions_a_round))


def _task(want: Want) -> str:
    match want:
        case "questions":
            return prompts.PLAN_MUST_ASK
        case "spec":
            return prompts.PLAN_MUST_SPEC
        case "either":
            return prompts.PLAN_MAY_ASK


def _words(heard: Heard) -> str:
    role = f", {heard.role}" if heard.role else ""
    link = f", {heard.link}" if heard.link else ""
    what = "comment taken in" if heard.kind == "include" else heard.kind
    return fence(heard.text, f"{what} by {heard.by.login}{role}{link}")
