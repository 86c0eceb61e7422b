"""The pull request: what it does, whether that is proved, what to look at, whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.evidence import Verdict
from shared.domain.money import dollars, dollars_left
from shared.domain.spec import SpecRecord
from shared.domain.view import View
from shared.render.criteria import before_after, current, headline, ids, word
from shared.render.forms import listed, login, short
from shared.render.links import spec_link
from shared.render.markdown import cell, code, fence, fold, one_line, paragraphs, plain, prose, quote, sayings, table
from shared.render.markdown import without_skip_marks as tame
from shared.render.pull_ledger import how_it_went

TITLE_MAX = 72
AGENTS_WORDS = "What the agent says it did (not checked, unlike the table)"


@dataclass(frozen=True, slots=True)
class PullText:
    """Title and body. Neither ever holds the words that make CI skip a commit."""

    title: str
    body: str


def render_pull(view: View) -> PullText:
    """The text of the pull request as it stands. It is found by its branch, so it may be written again at any time."""
    issue = view.issue
    record = view.approved or view.spec
    verdicts = current(view)
    title = plain((record.spec.title if record else "") or issue.title, TITLE_MAX) or "Work"
    approved = issue.approval
    bound = f" Spec {spec_link(view, approved.version)}, approved by {login(approved.by)}." if approved else ""
    body = paragraphs(
        f"{_goal(view, record)} Closes #{issue.number}.",
        f"{_state(view, verdicts)}{bound}",
        results(verdicts),
        _how_proved(view, verdicts),
        _look_at(record, verdicts, issue.flagged),
        _try_it(view, record),
        _not_done(record),
        _your_turn(view, verdicts),
        how_it_went(view),
        _agents_words(view),
    )
    return PullText(f"{tame(title)} (#{issue.number})", tame(body))


def _goal(view: View, record: SpecRecord | None) -> str:
    goals = " ".join(prose(goal) for goal in record.spec.goals) if record else ""
    words = goals or prose(view.issue.title)
    return words if words.endswith((".", "?")) else f"{words}."


def _state(view: View, verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return f"**Not proved yet** on {short(view.issue.head or '')}."
    words = headline(verdicts, view.issue.head)
    if ids(verdicts, "failed", "unproven"):
        words += f" Not ready on purpose; the status of #{view.issue.number} says why."
    return words


def results(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return ""
    rows = [(_word(each), f"{each.criterion} {cell(each.text, 90)}", before_after(each)) for each in verdicts]
    return table(("Result", "Criterion", "Before → after"), rows)


def _word(verdict: Verdict) -> str:
    first, bracket, rest = word(verdict).partition(" (")
    return f"**{first}**{bracket}{rest}"


def _how_proved(view: View, verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return ""
    approval = view.issue.approval
    base = (
        f", with the test files of {code(view.issue.repository.default_branch)} at {short(approval.base)}"
        if approval
        else ""
    )
    job = view.proof or view.build
    unfenced = job is not None and job.sandbox.startswith("none")
    where = "a fresh directory, without any sandbox" if unfenced else "a fresh container that the agent never saw"
    return f"Run in {where}{base}. Each line is a check below, with its output."


def _look_at(record: SpecRecord | None, verdicts: Sequence[Verdict], flagged: Sequence[dict[str, str]]) -> str:
    """What deserves a person's eyes: tests of the agent's own, findings of the proof, what a person vouched for."""
    lines = []
    for verdict in verdicts:
        if verdict.own_test:
            files = _files(record, verdict.criterion)
            lines.append(f"- {verdict.criterion} rests on a test that the agent wrote{files}.")
        lines += [f"- {verdict.criterion}: {prose(finding, 200)}" for finding in verdict.findings[:3]]
        if verdict.flaky:
            lines.append(f"- {verdict.criterion} is flaky: {prose(verdict.flaky, 80)}.")
        if verdict.conclusion == "accepted" and verdict.accepted:
            why = f": {prose(verdict.accepted.why, 120)}" if one_line(verdict.accepted.why) else ""
            lines.append(f"- {verdict.criterion} holds by {login(verdict.accepted.by)}'s word alone{why}")
    lines += [_flag(each) for each in flagged[:8]]
    return "**Please look at**\n\n" + "\n".join(lines[:12]) if lines else ""


def _flag(flagged: dict[str, str]) -> str:
    """A file that policy lets through and a reviewer should see."""
    path, words = flagged.get("path", ""), flagged.get("words") or flagged.get("rule", "")
    return f"- {code(path, 120)}: {prose(words, 200)}" if path else f"- {prose(words, 240)}"


def _files(record: SpecRecord | None, criterion_id: str) -> str:
    criterion = record.spec.criterion(criterion_id) if record else None
    files = criterion.check.files if criterion and criterion.check else ()
    return f": {listed([code(each, 80) for each in files[:3]])}" if files else ""


def _try_it(view: View, record: SpecRecord | None) -> str:
    if record is None or not view.issue.branch:
        return ""
    runs = dict.fromkeys(each.check.run.strip() for each in record.spec.criteria if each.check)
    setup = view.issue.settings.setup or (view.issue.survey.setup if view.issue.survey else None) or ""
    begin = " && ".join([f"gh pr checkout {one_line(view.issue.branch)}", *_short_ones([setup.strip()])])
    commands = fence("\n".join([begin, *_short_ones(runs)[:3]]), "sh")
    return f"**Try it yourself**\n\n{commands}"


def _short_ones(commands: Iterable[str]) -> list[str]:
    """Those of one line. The others stand in their checks, a long set-up in the repository's settings."""
    return [each for each in commands if each and "\n" not in each and len(each) <= 160]


def _not_done(record: SpecRecord | None) -> str:
    if record is None or not record.spec.out_of_scope:
        return ""
    words = sayings(record.spec.out_of_scope)
    return f"**Not done.** {words} Out of scope in v{record.spec.version}."


def _your_turn(view: View, verdicts: Sequence[Verdict]) -> str:
    command, ledger = view.operator.command, view.ledger
    red, yours = ids(verdicts, "failed", "unproven", "already_true"), ids(verdicts, "your_call")
    first = "Review it, and merge it if it is right."
    if red:
        first = f"Have it changed, or vouch by name: `{command} accept {red[0]} <why>`."
    elif yours:
        first = f"Judge {listed(yours)}, then `{command} accept {yours[0]} <why>`."
    left = ""
    if ledger is not None:
        left = f" {dollars_left(ledger.left_nano)} of the approved {dollars(ledger.limit_nano)} is left."
    return (
        f"**Your turn.** {first} To have something changed: `{command} revise <what>`. A plain comment or review starts "
        f"nothing.{left}"
    )


def _agents_words(view: View) -> str:
    build = view.build
    if build is None or not build.summary.strip():
        return ""
    # A job that failed was not handed over by the agent: the words are ours.
    title = "How the agent's work ended" if build.status == "failed" else AGENTS_WORDS
    return fold(title, quote(build.summary, 3000))
