"""The status while something runs, and while a pull request waits for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.domain.ledger import Ledger
from shared.domain.money import dollars
from shared.domain.spec import Criterion, SpecRecord
from shared.domain.view import View
from shared.render.criteria import current, holding, ids, label, result, summary
from shared.render.forms import count, listed, login, short, spent, turn, worked
from shared.render.links import pull_link, spec_link
from shared.render.markdown import code, command_fence, fold, paragraphs, prose, table
from shared.render.model_words import cached_share
from shared.render.status_asking import queue_words

SHOWN_ROWS = 5  # more criteria than these are folded, so that a phone shows the rest


def limits_line(view: View, *more: str) -> str:
    """`[v2](…) · $1.12 of $6.00 · 9 of 60 min · …`."""
    approval, ledger = view.issue.approval, view.ledger
    parts = [spec_link(view, approval.version)] if approval else []
    if ledger is not None:
        parts += [spent(ledger), worked(ledger)]
        cached = cached_share(ledger)
        more = (*more, f"{cached} of the reading from the cache" if cached else "")
    return " · ".join([*parts, *(each for each in more if each)])


def contract(view: View) -> SpecRecord | None:
    """The version that work is held against: the approved one."""
    return view.approved or view.spec


def step_now(view: View) -> int:
    job, lease = view.job, view.lease
    if job is None:
        return 0
    return max(job.steps, lease.step if lease is not None and lease.job == job.id else 0)


def tried(view: View) -> dict[str, bool]:
    """What the agent's own `prove` calls came to last: criterion -> passed. A claim, not a proof."""
    found: dict[str, bool] = {}
    for step in view.steps:
        for call in step.results or ():
            criterion, passed = call.data.get("criterion"), call.data.get("passed")
            if isinstance(criterion, str) and isinstance(passed, bool):
                found[criterion] = passed
    return found


def building(view: View, now: int) -> str:
    issue = view.issue
    step = step_now(view)
    rounds = view.operator.rounds
    if current(view) and issue.round > 1:
        first = f"**Proof found a fault, repairing it** · my turn · round {issue.round} of {rounds}"
        rows = _proof_rows(view)
        said = _repairing(view)
    else:
        first = f"**Building** · my turn · step {step}" if step else "**Building** · my turn · getting ready"
        rows = _tried_rows(view)
        said = _doing(view)
    branch = f"branch {code(issue.branch)}" if issue.branch else ""
    command = view.operator.command
    return paragraphs(
        first,
        _queue(view) or said,
        rows,
        limits_line(view, branch),
        _nearly_used(view),
        f"Steer: `{command} say <text>` · end: `{command} stop`",
    ).rstrip()


def _doing(view: View) -> str:
    lease, job = view.lease, view.job
    if job is not None and lease is not None and lease.job == job.id and lease.doing:
        return f"At work on: {prose(lease.doing, 90)}"
    return "The machine is prepared: clone, set-up, first look at the tests." if not step_now(view) else ""


def _repairing(view: View) -> str:
    failed = ids(current(view), "failed", "unproven")
    checks = listed([f"`Persevere / {each}`" for each in failed])
    words = f"The output went back to the agent; it stands in the check {checks}." if failed else ""
    again = [each for each, passed in tried(view).items() if passed and each in failed]
    since = f" Tried by the agent since: {listed(again)} {'passes' if len(again) == 1 else 'pass'}." if again else ""
    step = f" Step {step_now(view)}." if step_now(view) else ""
    return f"{words}{since}{step}".strip()


def _tried_rows(view: View) -> str:
    record = contract(view)
    if record is None:
        return ""
    seen = tried(view)
    rows = [(label(each), _so_far(each, seen)) for each in record.spec.criteria]
    passing = sum(seen.values())
    return fitting(view, ("Criterion", "So far"), rows, f"Tried by the agent: {passing} of {len(rows)} pass so far")


def _so_far(criterion: Criterion, seen: Mapping[str, bool]) -> str:
    if criterion.kind == "person" or criterion.check is None:
        return "your call in the review"
    if criterion.id not in seen:
        return "not tried yet"
    return f"tried by the agent: {'passes' if seen[criterion.id] else 'fails'}"


def _proof_rows(view: View) -> str:
    verdicts = current(view)
    rows, loud = [], []
    for verdict in verdicts:
        failed = verdict.conclusion == "failed"
        row = (f"**{label(verdict)}**" if failed else label(verdict), result(verdict))
        rows.append(row)
        if verdict.conclusion in ("failed", "unproven"):
            loud.append(row)
    head = ("Criterion", f"Proof on {short(view.issue.head or '')}")
    return fitting(view, head, rows, f"All {len(rows)} criteria: {holding(verdicts)} hold", loud)


def fitting(
    view: View,
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    words: str,
    loud: Sequence[tuple[str, ...]] = (),
) -> str:
    """The table where it is short; else its `loud` rows and, folded under `words`, the whole."""
    room = SHOWN_ROWS - len(view.issue.notes) - bool(_nearly_used(view))
    if len(rows) <= max(2, room):
        return table(head, rows)
    seen = table(head, loud[: max(1, room - 1)]) if loud else ""
    return "\n\n".join(part for part in (seen, fold(words, table(head, rows))) if part)


def _nearly_used(view: View) -> str:
    """From 80 % of the building share on: what is kept, and for what."""
    ledger = view.ledger
    if ledger is None:
        return ""
    share = ledger.limit_nano - ledger.kept_nano
    if not share or ledger.spent_nano * 100 < share * 80:
        return ""
    told = " The agent was told to finish." if view.lease is not None and view.lease.wrap_up else ""
    used = f"{dollars(ledger.spent_nano)} of {dollars(share)}"
    kept = f"{dollars(ledger.kept_nano)} is kept for proof"
    return f"{_percent(ledger, share)} of the building money is used ({used}; {kept}).{told}"


def _percent(ledger: Ledger, share: int) -> str:
    return f"{min(100, ledger.spent_nano * 100 // share)} %"


def _queue(view: View) -> str:
    """Between two jobs of one build, a ceiling may be in the way."""
    job = view.job
    return queue_words(job.reason) if job is not None and job.status == "queued" and job.reason else ""


def verifying(view: View) -> str:
    issue, job = view.issue, view.job
    record = contract(view)
    number = count(len(record.spec.criteria), "criterion", "criteria") if record else "the criteria"
    rounds = f" · round {issue.round} of {view.operator.rounds}" if issue.pull is None else ""
    base = short(issue.approval.base) if issue.approval else "the base"
    if job is None or job.kind != "verify":
        return paragraphs(
            f"**Writing the change to its branch, then proving it** · my turn{rounds}",
            f"The agent says it is done. That counts for nothing yet: {number} run in a fresh container next.",
            limits_line(view),
        ).rstrip()
    says = "The agent says it is done. That counts for nothing yet: each" if issue.pull is None else "Each"
    return paragraphs(
        f"**Proving** · my turn{rounds}",
        f"{says} criterion now runs in a fresh container, before ({base}) and after ({short(job.head or '')}).",
        limits_line(view),
    ).rstrip()


def in_review(view: View) -> str:
    issue, pull = view.issue, view.issue.pull
    command = view.operator.command
    number = f"#{pull.number}" if pull else "the pull request"
    first = "Draft for review" if pull is not None and pull.draft else "Ready for review"
    whose = turn(login(issue.approval.by)) if issue.approval else "a reviewer's turn"
    yours = ids(current(view), "your_call", "unproven", "already_true", "failed")
    change = f"To have something changed: `{command} revise <what>`"
    rounds = count(issue.round - 1, "repair round") if issue.round > 1 else ""
    return paragraphs(
        f"**{first}: {number}** · {whose}",
        f"{_state_of_proof(view)} {change}",
        command_fence(f"{command} accept {yours[0]} <why>") if yours else "",
        limits_line(view, rounds),
    ).rstrip()


def _state_of_proof(view: View) -> str:
    """`4 of 5 criteria hold on 9e8d7c6; AC-5 is your call.`"""
    verdicts, head = current(view), view.issue.head or ""
    if not verdicts:
        return f"{short(head)} in {pull_link(view)} is not proved yet."
    rest = summary([each for each in verdicts if not each.holds])
    verb = "holds" if len(verdicts) == 1 else "hold"
    number = f"{holding(verdicts)} of {count(len(verdicts), 'criterion', 'criteria')}"
    hold = f"{number} {verb} on {short(head)} in {pull_link(view)}"
    return f"{hold}{f'; {rest}' if rest else ''}."
