"""`persevere show`: what stands behind a pull request, from the table of this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from local.cli.issues import find_issue, place_of, read_issue
from local.trial.records import Table
from local.trial.terminal import Terminal, takes_any_letter
from shared.domain.changeset import decode
from shared.domain.issue import IssueState
from shared.domain.money import dollars, minutes
from shared.domain.protocol import Run
from shared.domain.spec import fingerprint
from shared.domain.step import StepState
from shared.errors import Final, NotConfigured
from shared.settings import read

TAIL_LINES = 12
CALL_MAX = 600


def show(environment: Mapping[str, str], words: str, what: str, *, json_line: bool) -> None:
    """Raises NotConfigured for words that say nothing, Final where there is no such issue, or nothing of it yet."""
    if what not in SHOWN:
        raise NotConfigured(f"there is no {what!r} to show", f"one of: {', '.join(SHOWN)}")
    wanted = read_issue(words)
    table = Table(read(environment).home)
    issue = find_issue(table, wanted)
    found, tell = SHOWN[what]
    document = found(table, issue)
    if json_line:
        sys.stdout.write(json.dumps({"issue": place_of(issue), what: document}, ensure_ascii=False) + "\n")
        return
    terminal = Terminal(sys.stdout, any_letter=sys.stdout.isatty() and takes_any_letter(sys.stdout))
    terminal.line(f"{place_of(issue)}  {issue.title}"[:79])
    terminal.line()
    tell(terminal, document)


def _nothing(what: str, issue: IssueState) -> Final:
    return Final(f"there is no {what} of {place_of(issue)} yet", f"it stands at: {issue.phase.replace('_', ' ')}")


# --- spec ---------------------------------------------------------------------------------------------------------


def _spec(table: Table, issue: IssueState) -> dict[str, Any]:
    version = issue.approval.version if issue.approval else issue.version
    record = table.spec(issue.pk, version) if version else None
    if record is None:
        raise _nothing("spec", issue)
    approval = issue.approval.model_dump(mode="json") if issue.approval else None
    return {
        "version": version,
        "fingerprint": fingerprint(record.spec),
        "approval": approval,
        "today": record.today,
        **record.spec.model_dump(mode="json", exclude={"version"}),
    }


def _tell_spec(terminal: Terminal, spec: dict[str, Any]) -> None:
    approval = spec["approval"]
    by = f"approved by {approval['by']['login']}" if approval else "not approved"
    terminal.line(f"spec v{spec['version']}, {spec['fingerprint']}, {by}")
    for goal in spec["goals"]:
        terminal.block(2, goal)
    for each in spec["criteria"]:
        terminal.line()
        terminal.block(2, f"{each['id']} {each['kind']}: {each['text']}")
        check = each["check"]
        if check:
            terminal.block(4, check.get("run") or ", ".join(check.get("ids") or ()), f"{check['origin']}: ")
        if spec["today"].get(each["id"]):
            terminal.line(f"    before: {spec['today'][each['id']]}")
    for name in ("out_of_scope", "assumptions", "touches"):
        if spec[name]:
            terminal.line()
            terminal.line(f"  {name.replace('_', ' ')}:")
            for line in spec[name]:
                terminal.block(4, line, "- ")
    limits = spec["limits"]
    terminal.line()
    terminal.line(f"  limits: {dollars(limits['nano'])}, {minutes(limits['seconds'])} min; base {spec['base'][:7]}")


# --- evidence -----------------------------------------------------------------------------------------------------


def _evidence(table: Table, issue: IssueState) -> dict[str, Any]:
    if not issue.verified_job and not issue.verdicts:
        raise _nothing("evidence", issue)
    seen = table.observations(issue.verified_job) if issue.verified_job else []
    return {
        "job": issue.verified_job,
        "head": issue.verified_head,
        "verdicts": [each.model_dump(mode="json") for each in issue.verdicts],
        "observations": [each.model_dump(mode="json") for each in seen],
    }


def _tell_evidence(terminal: Terminal, evidence: dict[str, Any]) -> None:
    terminal.line(f"proof {evidence['job'] or '-'} of {str(evidence['head'] or '-')[:7]}")
    for each in evidence["verdicts"]:
        terminal.line()
        terminal.block(2, f"{each['criterion']} {each['conclusion'].replace('_', ' ')}: {each['text']}")
        if each["reason"]:
            terminal.block(4, each["reason"])
        for finding in each["findings"]:
            terminal.block(4, finding, "found: ")
        for seen in evidence["observations"]:
            if seen["criterion"] == each["criterion"]:
                for run in seen["runs"]:
                    _tell_run(terminal, seen["side"], Run.model_validate(run))


def _tell_run(terminal: Terminal, side: str, run: Run) -> None:
    terminal.line(f"    {side}: {run.outcome}, exit {run.exit if run.exit is not None else '-'}")
    for line in run.tail.splitlines()[-TAIL_LINES:]:
        terminal.block(6, line, "| ")


# --- transcript, ledger, changeset --------------------------------------------------------------------------------


def _transcript(table: Table, issue: IssueState) -> list[dict[str, Any]]:
    found = [{"job": "planner", **_said(each)} for each in table.plans(issue.pk)]
    for line in issue.jobs:
        found += [{"job": line.id, **_said(each)} for each in table.steps(line.id)]
    if not found:
        raise _nothing("transcript", issue)
    return found


def _said(step: StepState) -> dict[str, Any]:
    return {
        "step": step.step,
        "model": step.asking.model if step.asking else "",
        "told": [each.model_dump(mode="json") for each in step.asking.messages] if step.asking else [],
        "text": step.reply.text if step.reply else "",
        "calls": [{"tool": each.tool, "args": each.args, "error": each.error} for each in step.calls],
        "results": [each.model_dump(mode="json") for each in step.results or ()],
        "nano": step.billed.nano,
    }


def _tell_transcript(terminal: Terminal, steps: list[dict[str, Any]]) -> None:
    job = None
    for each in steps:
        if each["job"] != job:
            job = each["job"]
            terminal.line(f"{'planner' if job == 'planner' else f'job {job}'}, {each['model'] or 'no model'}")
        terminal.line(f"  step {each['step']}  {dollars(each['nano'])}")
        for told in each["told"]:
            terminal.block(4, told["text"], f"{told['by']} says: ")
        terminal.block(4, each["text"])
        for call in each["calls"]:
            terminal.block(4, f"{call['tool']} {json.dumps(call['args'], ensure_ascii=False)[:CALL_MAX]}", "> ")
        for result in each["results"]:
            terminal.line(
                f"    < {result['status']}" + (f", exit {result['exit']}" if result["exit"] is not None else "")
            )
            for line in result["text"].splitlines()[-TAIL_LINES:]:
                terminal.block(6, line, "| ")


def _ledger(table: Table, issue: IssueState) -> list[dict[str, Any]]:
    found = table.ledgers(issue.pk)
    if not found:
        raise _nothing("ledger", issue)
    return [
        {
            "for": "asking" if name == "ASK" else f"approval {int(name)}",
            **ledger.model_dump(mode="json"),
            "held_nano": ledger.held_nano,
        }
        for name, ledger in found
    ]


def _tell_ledger(terminal: Terminal, ledgers: list[dict[str, Any]]) -> None:
    for each in ledgers:
        held = f", held {dollars(each['held_nano'])}" if each["held_nano"] else ""
        terminal.line(f"{each['for']:<12} {dollars(each['spent_nano'])} of {dollars(each['limit_nano'])}{held}")
        if each["limit_seconds"]:
            terminal.line(
                f"{'':<12} {minutes(each['spent_seconds'])} of {minutes(each['limit_seconds'])} min of machines"
            )
        for part, nano in sorted(each["parts"].items()):
            terminal.line(f"{'':<12}   {part:<10} {dollars(nano)}")
        if each["lost_nano"]:
            terminal.line(f"{'':<12}   of it lost to crashes: {dollars(each['lost_nano'])}")


def _changeset(table: Table, issue: IssueState) -> dict[str, Any]:
    job = table.job(issue.build) if issue.build else None
    if job is None or job.changeset is None:
        raise _nothing("changeset", issue)
    changeset = decode(table.blob(job.changeset))
    return {
        "job": job.id,
        "base": changeset.base,
        "tree": changeset.tree,
        "changes": [
            {
                "path": each.shown,
                "mode": each.mode,
                "bytes": len(each.data),
                "text": each.data.decode("utf-8", "replace"),
            }
            for each in changeset.changes
        ],
    }


def _tell_changeset(terminal: Terminal, changeset: dict[str, Any]) -> None:
    terminal.line(f"of job {changeset['job']}, on base {changeset['base'][:7]}")
    for each in changeset["changes"]:
        what = "deleted" if each["mode"] is None else f"{each['mode']}  {each['bytes']:>7} bytes"
        terminal.line(f"  {what:<22} {each['path']}")


_Tell = Callable[[Terminal, Any], None]
SHOWN: Mapping[str, tuple[Callable[[Table, IssueState], Any], _Tell]] = {
    "evidence": (_evidence, _tell_evidence),
    "spec": (_spec, _tell_spec),
    "transcript": (_transcript, _tell_transcript),
    "ledger": (_ledger, _tell_ledger),
    "changeset": (_changeset, _tell_changeset),
}
