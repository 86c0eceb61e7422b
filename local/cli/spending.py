"""`persevere usage`: what models have cost, by day, repository, issue and model."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from local.cli.issues import place_of
from local.trial.records import Table
from local.trial.terminal import Terminal
from shared.domain.money import NANO, dollars
from shared.domain.step import StepState
from shared.errors import NotConfigured
from shared.settings import read

_CROCKFORD = {char: value for value, char in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
GROUPS = ("day", "repository", "issue", "model")


@dataclass(frozen=True)
class Spent:
    """One answered question. `day` is YYYY-MM-DD (UTC); `issue` is `owner/name#42`, or "" for `persevere ask`."""

    day: str
    repository: str
    issue: str
    model: str
    nano: int
    input: int
    output: int


def usage(environment: Mapping[str, str], by: str, *, json_line: bool) -> None:
    """Raises NotConfigured for a grouping that is none, Final where nothing has run yet."""
    if by not in GROUPS:
        raise NotConfigured(f"usage cannot be grouped by {by!r}", f"one of: {', '.join(GROUPS)}")
    settings = read(environment)
    table = Table(settings.home)
    rows = sum_up(spent(table), by)
    lost = table.lost_nano()
    if json_line:
        document = {"by": by, "rows": [_plain(each) for each in rows], "lost_to_crashes": lost / NANO}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        return
    terminal = Terminal(sys.stdout)
    if not rows and not lost:
        terminal.line("No model was asked yet.")
        return
    if rows:
        terminal.line(f"  {by:<34} {'asked':>6} {'tokens in':>12} {'out':>9} {'cost':>9}")
    for each in rows:
        name = each["name"] or "(persevere ask)"
        cost = dollars(each["nano"])
        terminal.line(f"  {name:<34} {each['asked']:>6} {each['input']:>12,} {each['output']:>9,} {cost:>9}")
    if lost:
        terminal.line(f"  {'lost to crashes, counted in full':<34} {dollars(lost):>39}")
    if by == "issue":
        _tell_limits(terminal, table)


def _tell_limits(terminal: Terminal, table: Table) -> None:
    terminal.line()
    for issue in table.issues():
        money = table.money(issue.pk)
        if money.limit:
            terminal.line(f"  {place_of(issue):<34} {dollars(money.spent)} of {dollars(money.limit)} approved")


def spent(table: Table) -> list[Spent]:
    """Every answer that was billed."""
    issues = {issue.pk: issue for issue in table.issues()}
    found = []
    for pk, kind, state in table.questions():
        if state.reply is None or state.asking is None:
            continue
        home = pk
        if kind == "step":
            job = table.job(pk.removeprefix("JOB#"))
            home = job.issue if job else ""
        issue = issues.get(home)
        found.append(
            Spent(
                day=day_of(state),
                repository=issue.repository.full_name if issue else "",
                issue=place_of(issue) if issue else "",
                model=state.asking.model,
                nano=state.billed.nano,
                input=state.billed.input,
                output=state.billed.output,
            )
        )
    return found


def day_of(state: StepState) -> str:
    """The day on which it was asked: the asker's name is a ULID, which begins with its moment (github.com/ulid/spec)."""
    asker = state.asking.asker if state.asking else ""
    if len(asker) < 10 or any(char not in _CROCKFORD for char in asker[:10]):
        return "unknown"
    ms = 0
    for char in asker[:10]:
        ms = ms * 32 + _CROCKFORD[char]
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def sum_up(answers: Iterable[Spent], by: str) -> list[dict[str, Any]]:
    """One row a name, days newest first, the others dearest first."""
    rows: dict[str, dict[str, Any]] = defaultdict(lambda: {"asked": 0, "input": 0, "output": 0, "nano": 0})
    for each in answers:
        row = rows[asdict(each)[by]]
        row["asked"] += 1
        row["input"] += each.input
        row["output"] += each.output
        row["nano"] += each.nano
    named = [{"name": name, **row} for name, row in rows.items()]
    if by == "day":
        return sorted(named, key=lambda row: row["name"], reverse=True)
    return sorted(named, key=lambda row: (-row["nano"], row["name"]))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "nano"} | {"cost": row["nano"] / NANO}
