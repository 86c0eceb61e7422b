"""The spec comment: one a version, complete when posted, with one box; and what becomes of the box line.

Between posting and decision nothing of it is edited by us, so that a tick can never be lost. When it is decided, one
line is replaced and every other byte stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.domain.chosen import chosen_model
from shared.domain.money import dollars, minutes
from shared.domain.protocol import CheckToRun
from shared.domain.spec import Criterion, Source, Spec, SpecRecord
from shared.domain.view import View
from shared.render.forms import count, listed, login, mention, short, spent, until
from shared.render.links import spec_link
from shared.render.markdown import cell, code, fence, fold, link, one_line, paragraphs, prose, quoted, sayings, table
from shared.render.spec_difference import difference

_BOX_LINE = re.compile(r"^- \[[ xX]\] \*\*Approve v\d+ and .*$", re.MULTILINE)
_SHUT_LINE = re.compile(r"^\*\*v\d+ (?:cannot be approved|wants its fingerprint)\.\*\* .*$", re.MULTILINE)


def box_line(version: int, *, go_on: bool = False, notes: Sequence[str] = ()) -> str:
    """The one task-list line of a spec comment; `notes` say what else the tick does."""
    more = f" ({'; '.join(notes)})" if notes else ""
    return f"- [ ] **Approve v{version} and {'go on' if go_on else 'start'}**{more}"


def record_of(view: View, version: int) -> SpecRecord | None:
    """The stored snapshot of one version, as far as the view has it."""
    return next((each for each in (view.spec, view.approved) if each and each.spec.version == version), None)


def render_spec(view: View, version: int, previous: SpecRecord | None = None) -> str:
    """The comment of one version. With the `previous` version (default: the approved one, where that is older) it
    begins with the difference and folds the whole.

    Raises ValueError when the view does not hold that version.
    """
    record = record_of(view, version)
    if record is None:
        raise ValueError(f"the view does not hold v{version}")
    if previous is None and view.approved is not None and view.approved.spec.version < version:
        previous = view.approved
    if previous is not None and previous.spec.version < version:
        changed, lines = difference(previous, record)
        differ = f"{count(changed, 'line')} {'differs' if changed == 1 else 'differ'} from v{previous.spec.version}"
        body: tuple[str, ...] = (
            f"{_mention(view)}**spec v{version} is ready: {differ}**",
            f"```diff\n{lines}\n```" if lines else "",
            _asked(record) + _unchanged(previous.spec, record.spec),
            _cannot(view, record),
            _decision(view, record),
            _by_comment(view, record),
            fold(f"The whole of v{version}", paragraphs(*contract(view, record)).rstrip()),
        )
    else:
        asked = _asked(record) if version > 1 else ""
        body = (
            f"{_mention(view)}**spec v{version} is ready for your decision** (one minute)",
            asked,
            *contract(view, record),
            _no_tests(view, record),
            _cannot(view, record),
            "**Your decision**",
            _decision(view, record),
            _by_comment(view, record),
        )
    return paragraphs(*body, checks_fold(record.spec), sources_fold(view, record.spec), _fingerprint_line(view, record))


def _mention(view: View) -> str:
    issue = view.issue
    who = issue.requester or issue.author
    return f"{mention(who)}, " if who else ""


# --- the contract ---------------------------------------------------------------------------------------------


def contract(view: View, record: SpecRecord) -> tuple[str, ...]:
    spec = record.spec
    goals = " ".join(prose(goal) for goal in spec.goals) or prose(spec.title)
    return (f"**Goal.** {goals}", _criteria_table(record), _about(view, spec))


def _criteria_table(record: SpecRecord) -> str:
    rows = [
        (f"**{each.id}** {each.kind}", cell(each.text, 400), cell(record.today.get(each.id, _untried(each)), 60))
        for each in record.spec.criteria
    ]
    return table(("", "It is done when", "Today"), rows)


def _untried(criterion: Criterion) -> str:
    return "your call" if criterion.kind == "person" or criterion.check is None else "not tried"


def _about(view: View, spec: Spec) -> str:
    lines = []
    if spec.out_of_scope:
        lines.append(f"- **Not part of it:** {sayings(spec.out_of_scope)}")
    if spec.assumptions:
        lines.append(f"- **Assumed:** {sayings(spec.assumptions)} Nobody said so.")
    if spec.stack:
        lines.append(f"- **Built with:** {sayings(spec.stack)}")
    limits = f"up to **{dollars(spec.limits.nano)}** and **{minutes(spec.limits.seconds)} min**"
    lines.append(f"- **Limits:** {limits}. {dollars(spec.limits.nano * 15 // 100)} of it is kept for proof.")
    model = view.operator.shown(chosen_model(view.issue, view.operator))
    reads = f" Code is read by {prose(model, 60)}." if model else ""
    touches = ", ".join(code(path, 80) for path in spec.touches)
    if touches or reads:
        lines.append(f"- **Touches:** {touches or 'not known yet'}.{reads}")
    return "\n".join(lines)


def _asked(record: SpecRecord) -> str:
    if not record.because:
        return ""
    return f"Asked for by {login(record.asked_by) or 'somebody'}: {quoted(record.because, 160)}. "


def _unchanged(old: Spec, new: Spec) -> str:
    same = [each.id for each in new.criteria if old.criterion(each.id) == each]
    if not same:
        return ""
    return f"{listed(same)} {'is' if len(same) == 1 else 'are'} unchanged, word for word."


# --- what speaks against it -----------------------------------------------------------------------------------


def _no_tests(view: View, record: SpecRecord) -> str:
    """A repository without tests: the checks are written out in the spec, and what has none is a person's call."""
    survey = view.issue.survey
    if survey is None or survey.tests:
        return ""
    without = [each.id for each in record.spec.criteria if each.check is None]
    words = "**This repository has no tests that I could find.** So the checks are small commands, written out below."
    if not without:
        return words
    example = f"`{view.operator.command} revise {without[0]}: <command>`"
    which = f"{listed(without)} {'has' if len(without) == 1 else 'have'} none and would be your call"
    return f"{words} {which}. Know a better check? {example}"


def _cannot(view: View, record: SpecRecord) -> str:
    if not record.cannot_run:
        return ""
    lines = []
    for criterion_id, reason in record.cannot_run.items():
        criterion = record.spec.criterion(criterion_id)
        run = code(criterion.check.run, 80) if criterion and criterion.check else "its check"
        lines.append(f"- **{criterion_id}:** {run} could not run: {prose(reason, 160)}")
    return "**I cannot run this here yet.** Without its check I can write code but prove nothing.\n\n" + "\n".join(
        lines
    )


def _decision(view: View, record: SpecRecord) -> str:
    spec = record.spec
    if record.cannot_run:
        first = next(iter(record.cannot_run))
        return (
            f"**v{spec.version} cannot be approved.** Name another check: "
            f"`{view.operator.command} revise {first}: <check>`. Or the operator adds what is missing."
        )
    if view.issue.settings.approval == "exact":
        line = f"{view.operator.command} approve v{spec.version} {record.sha256[:8]}"
        return f"**v{spec.version} wants its fingerprint.** `approval: exact` is set in this repository: `{line}`"
    approval = view.issue.approval
    notes = []
    if spec.assumptions:
        notes.append(f"this also confirms the {'assumption' if len(spec.assumptions) == 1 else 'assumptions'}")
    if approval is not None:
        notes.append(f"the build of v{approval.version} has stopped, its work is kept")
    return box_line(spec.version, go_on=approval is not None, notes=notes)


def _by_comment(view: View, record: SpecRecord) -> str:
    if record.cannot_run:
        return ""
    command, version = view.operator.command, record.spec.version
    approval = view.issue.approval
    other = f"change something: `{command} revise <what>`"
    if approval is not None:
        other = f"keep v{approval.version} and go on: `{command} resume`"
    if view.issue.settings.approval == "exact":
        return other[0].upper() + other[1:]
    return f"By comment or mail instead: `{command} approve v{version}` · {other}"


# --- folded: checks and sources -------------------------------------------------------------------------------


def checks_fold(spec: Spec) -> str:
    lines = [_check(each) for each in spec.criteria]
    return fold("The checks, word for word (part of what you approve)", "\n".join(lines))


def _check(criterion: Criterion) -> str:
    check = criterion.check
    if criterion.kind == "person" or check is None:
        return f"- {criterion.id}: no machine check"
    if check.origin == "agent":
        head = f"- {criterion.id}: the agent will write a test, and every text about {criterion.id} will say so."
        return f"{head} It runs with\n\n{fence(check.run, 'sh', '  ')}\n"
    what = {"existing": "a test that exists", "spec": "written for this spec"}[check.origin]
    return f"- {criterion.id}, {what}{_demands(check)}\n\n{fence(check.run, 'sh', '  ')}\n"


def _demands(check: CheckToRun) -> str:
    """What is wanted beside the exit code."""
    match check.kind:
        case "suite":
            return "; every test that passes today must be there and pass"
        case "test":
            return f"; it must report {listed([code(each, 80) for each in check.ids[:6]])}" if check.ids else ""
        case "command":
            return "; it may be missing today" if check.may_be_missing else ""


def sources_fold(view: View, spec: Spec) -> str:
    if not spec.sources:
        return ""
    rows = [(cell(each.line, 40), _source(view, each)) for each in spec.sources]
    return fold("Where each line comes from", table(("Line", "Source"), rows))


def _source(view: View, source: Source) -> str:
    if source.kind == "assumed":
        return "assumed"
    words = {
        "issue": "issue text",
        "answer": "answer",
        "comment": "comment",
        "repository": "the repository",
        "command": "command",
    }[source.kind]
    where = link(words, source.link if _ours(view, source.link) else "")
    said = f', "{cell(source.quote, 60)}"' if one_line(source.quote) else ""
    by = f"{login(source.author)}, " if source.author else ""
    return f"{by}{where}{said}"


def _ours(view: View, url: str) -> bool:
    """Whether an address leads into this repository: a source may lead nowhere else."""
    return f"/{view.issue.repository.full_name}/" in url


def _fingerprint_line(view: View, record: SpecRecord) -> str:
    parts = [f"Text fingerprint `{record.sha256[:8]}`", f"base {short(record.spec.base)}"]
    if view.issue.version == record.spec.version and view.issue.proposed_at is not None and not record.cannot_run:
        parts.append(f"open until {until(view.issue.proposed_at + view.operator.approval_open_s * 1000)}")
    if view.ask is not None:
        parts.append(f"asking has cost {spent(view.ask)}")
    return " · ".join(parts)


# --- when it is decided ---------------------------------------------------------------------------------------


def render_decided(posted: str, view: View, version: int) -> str:
    """The posted text with its box line replaced by what was decided; every other byte as it was posted.

    Approved, superseded by a newer version, expired; while it is open, or not recognisable, the text comes back as it
    was.
    """
    line = _decided_line(view, version)
    found = _BOX_LINE.search(posted) or _SHUT_LINE.search(posted)
    if line is None or found is None:
        return posted
    end = found.end() - 1 if posted[found.end() - 1 : found.end()] == "\r" else found.end()
    return posted[: found.start()] + line + posted[end:]


def _decided_line(view: View, version: int) -> str | None:
    issue, approval = view.issue, view.issue.approval
    if approval is not None and approval.version == version:
        who = f"{login(approval.by)} ({approval.role})" if approval.role else login(approval.by)
        return f"- [x] **Approved** by {who}, {until(approval.at)}, for exactly this text"
    if issue.version > version:
        newer = spec_link(view, issue.version)
        return f"**Superseded by {newer}.** v{version} can no longer be approved."
    if issue.version == version and issue.waiting is not None and issue.waiting.reason == "expired":
        days = count(view.operator.approval_open_s // 86_400, "day")
        return (
            f"**Expired.** v{version} was open for {days} and can no longer be approved: `{view.operator.command} plan`"
        )
    return None
