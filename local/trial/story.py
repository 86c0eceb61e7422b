"""Turns what changed in the table into lines of a story. It reads; what people do is told by who does it."""

from __future__ import annotations

from local.trial.records import Table
from local.trial.terminal import Terminal
from shared.domain.evidence import Verdict
from shared.domain.issue import IssueState, JobLine
from shared.domain.money import dollars
from shared.domain.spec import fingerprint

_WORDS = {"failed": "FAILED", "unproven": "UNPROVEN", "your_call": "your call", "already_true": "already true"}


class Story:
    """Tells each thing once."""

    def __init__(self, terminal: Terminal, table: Table) -> None:
        self._terminal = terminal
        self._table = table
        self._told: set[object] = set()
        self._steps = 0

    def tell(self, issue: IssueState) -> None:
        """Whatever is new since the last look."""
        if "status" in issue.slots and self._new("status"):
            self._terminal.told("Persevere", "eyes; status comment; reads issue and repository")
        if issue.interview.round and self._new(("round", issue.interview.round)):
            count = len(issue.interview.questions)
            self._terminal.told("Persevere", f"asks {count} question{'s' if count != 1 else ''}")
        if issue.version and issue.proposed_posted and self._new(("spec", issue.version)):
            self._tell_spec(issue)
        if issue.approval and self._new(("approval", issue.approval.version)):
            self._tell_approval(issue)
        for line in issue.jobs:
            self._tell_job(issue, line)
        if issue.verdicts and self._new(("verdicts", issue.verified_job, tuple(v.conclusion for v in issue.verdicts))):
            self._tell_verdicts(issue)
        if issue.pull and self._new(("pull", issue.pull.draft)):
            what = "a draft" if issue.pull.draft else "ready for review"
            self._terminal.told("Persevere", f"pull request #{issue.pull.number}, {what}")
        if issue.waiting and self._new(("waiting", issue.waiting.reason, issue.phase)):
            why = "" if issue.waiting.reason == issue.phase else f": {issue.waiting.reason.replace('_', ' ')}"
            self._terminal.told("Persevere", f"{issue.phase}{why}")
            if issue.waiting.line:
                self._terminal.more_whole(f"to type next: {issue.waiting.line}")

    def _new(self, what: object) -> bool:
        if what in self._told:
            return False
        self._told.add(what)
        return True

    def _tell_spec(self, issue: IssueState) -> None:
        record = self._table.spec(issue.pk, issue.version)
        if record is None:
            return
        criteria = record.spec.criteria
        self._terminal.told(
            "Persevere", f"spec v{issue.version}: {len(criteria)} criteria, tried on {record.spec.base[:7]}"
        )
        for each in criteria:
            today = record.today.get(each.id, "")
            self._terminal.more(f"{each.id:<5} {each.kind:<6} {today}")

    def _tell_approval(self, issue: IssueState) -> None:
        assert issue.approval is not None
        record = self._table.spec(issue.pk, issue.approval.version)
        bound = fingerprint(record.spec) if record else issue.approval.sha256[:8]
        self._terminal.told(
            "Persevere", f"v{issue.approval.version} is approved by {issue.approval.by.login}, bound to {bound}"
        )

    def _tell_job(self, issue: IssueState, line: JobLine) -> None:
        if line.kind in ("build", "fix"):
            if line.status == "running" and self._new(("running", line.id)):
                job = self._table.job(line.id)
                where = f" ({job.sandbox.split(' (')[0]})" if job and job.sandbox else ""
                self._terminal.told("runner", f"machine ready{where}")
            if line.status == "running" and line.epoch > 1 and self._new(("machine", line.id, line.epoch)):
                lease = self._table.lease(line.id)
                where = f" with step {lease.step + 1}" if lease else ""
                self._terminal.told("runner", f"machine lost; another one goes on{where}")
            if line.status in ("handed_over", "failed", "stopped", "paused") and self._new((line.status, line.id)):
                money = self._table.money(issue.pk)
                how = "" if line.status == "handed_over" else f", {line.status}"
                steps = f"{line.steps} step{'s' if line.steps != 1 else ''}"
                cost = f"{dollars(money.spent)} of {dollars(money.limit)}"
                self._terminal.told("agent", f"round {line.round}: {steps}{how}    {cost}")
        elif line.kind == "survey" and line.status in ("handed_over", "failed") and self._new((line.status, line.id)):
            what = {"brief": "repository surveyed", "tryout": "checks tried on the base"}.get(line.purpose, "surveyed")
            how = "" if line.status == "handed_over" else ", failed"
            self._terminal.told("runner", f"{what}{how}, {line.seconds:.1f} s")

    def _tell_verdicts(self, issue: IssueState) -> None:
        line = next((each for each in reversed(issue.jobs) if each.kind == "verify"), None)
        shown = "  ".join(f"{each.criterion} {_word(each)}" for each in issue.verdicts)
        self._terminal.told("proof", f"round {line.round if line else issue.round}  {shown}")
        for each in issue.verdicts:
            if not each.holds and each.conclusion != "your_call":
                last = next((text for text in reversed(each.tail.splitlines()) if text.strip()), "")
                self._terminal.more(f"{each.criterion}: {last.strip() or each.reason}")


def _word(verdict: Verdict) -> str:
    return _WORDS.get(verdict.conclusion, verdict.conclusion)
