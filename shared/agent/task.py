"""The words that a job's conversation begins with: the spec, what was there before it, and how a next job joins."""

from __future__ import annotations

from collections.abc import Sequence

from shared.agent import prompts
from shared.agent.data import clip, fence
from shared.domain.issue import IssueState
from shared.domain.job import JobState
from shared.domain.spec import Criterion, Spec

ISSUE_CHARS = 12_000
BRIEF_CHARS = 24_000


def task_text(job: JobState, spec: Spec) -> str:
    """The spec for the agent. Only of what never changes while the job lives, so that its bytes never do."""
    more = _list("Out of scope", spec.out_of_scope) + _list("Assumptions", spec.assumptions)
    more += _list("Stack", spec.stack) + _list("Likely touches", spec.touches)
    settings = job.settings
    return prompts.TASK.format(
        repository=job.repository.full_name,
        version=f"v{spec.version}",
        title=spec.title,
        goals="\n".join(f"- {goal}" for goal in spec.goals),
        criteria="\n".join(_criterion(each) for each in spec.criteria),
        more=more,
        setup=f"`{settings.setup}`" if settings.setup else "as found in the repository",
        tests=f"`{settings.tests}`" if settings.tests else "find out",
        network="none" if settings.network == "none" else "loopback only",
    )


def given_text(issue: IssueState, brief: str) -> str:
    """What the first ask takes in beside the spec: the issue as it was read, and the repository brief, as data."""
    parts = []
    if issue.taken is not None:
        text = f"{issue.taken.title}\n\n{issue.taken.body}".strip()
        parts.append(fence(clip(text, ISSUE_CHARS), f"the issue, by {issue.taken.author.login}"))
    if brief:
        parts.append(fence(clip(brief, BRIEF_CHARS), "a brief of the repository"))
    return prompts.GIVEN.format(parts="\n\n".join(parts)) if parts else ""


def joining_text(job: JobState) -> str:
    """How a job goes on with the conversation of the one that it continues. The report is data: it quotes output."""
    if not job.message:
        return prompts.CONTINUED
    if job.kind == "fix":
        return prompts.REVIEWED.format(report=fence(job.message, "review of the pull request"))
    return prompts.NEXT_ROUND.format(report=fence(job.message, "report of the proof"))


def replaced_text(restored_step: int, *, ran: bool = False, unkept: str = "") -> str:
    """What the agent is told when another machine took over in mid-job. `restored_step` is the answer whose files it began
    from (-1: there was none yet), `ran` whether the last answer's calls ran on it already, `unkept` what no checkpoint had.
    """
    files = prompts.REPLACED_AT_START
    if restored_step >= 0:
        files = prompts.REPLACED_AT_STEP.format(answer=restored_step + 1)
    files += prompts.REPLACED_RAN if ran else ""
    files += prompts.REPLACED_UNKEPT.format(what=unkept) if unkept else ""
    return prompts.REPLACED.format(files=files)


def _criterion(criterion: Criterion) -> str:
    line = f"- {criterion.id} ({criterion.kind}): {criterion.text}"
    check = criterion.check
    if check is None:
        return line
    facts = [f"origin {check.origin}"]
    if check.kind != "command":
        facts.append(check.kind)
    if check.ids:
        facts.append("tests " + ", ".join(check.ids))
    if check.files:
        facts.append("files " + ", ".join(check.files))
    return f"{line}\n  check ({'; '.join(facts)}): `{check.run}`"


def _list(title: str, lines: Sequence[str]) -> str:
    return f"\n{title}:\n" + "\n".join(f"- {line}" for line in lines) + "\n" if lines else ""
