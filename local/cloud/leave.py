"""`persevere leave OWNER/REPO`: takes our unfinished things out of one repository, and forgets it here.

Closed: our open drafts. Deleted: our branches that no open pull request of review has and that are not merged, our label.
Kept: merged work, ordinary open pull requests, comments. Before anything is deleted, everything is exported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.trial.exits import BAD, PROVED
from local.trial.terminal import Terminal
from shared.domain import keys
from shared.domain.record import ANY, Change, Delete, Key, Record
from shared.errors import Final, NotConfigured
from shared.github.answers import NotFound, Refusal
from shared.github.app_tokens import AppTokens
from shared.github.installations import Installations, Place
from shared.github.pulls import DRAFT_LABEL
from shared.github.wire import Wire
from shared.limits import PAGE_MAX
from shared.ports import MAX_CHANGES, Blobs, Clock, Store, read_all
from shared.spill import unpack

PREFIX = "persevere/"
ENDED = frozenset({"handed_over", "failed", "stopped"})
WAITS = "queued"
EXPORTED = ("STATE", "SPEC#", "LEDGER#", "EVIDENCE#")
"""Kinds of sort keys that the export has: what was agreed, what it cost, what was proved."""


@dataclass(frozen=True)
class Here:
    """What leaving works with, on one machine or on AWS. `drop_blobs` removes every blob of a repository."""

    store: Store
    blobs: Blobs
    clock: Clock
    wire: Wire
    tokens: AppTokens
    app_slug: str
    drop_blobs: Callable[[int], int]


@dataclass
class Plan:
    """What is there of ours."""

    place: Place
    drafts: list[int] = field(default_factory=list)
    branches: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    label: bool = False
    queued: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)


class AtWork(Final):
    """A job runs in that repository."""


def leave(
    here: Here, full_name: str, export: Path, terminal: Terminal, *, yes: bool, ask: Callable[[str], str] = input
) -> int:
    """0 when it is done, 2 when the operator said no. Raises NotConfigured where the App is not, AtWork, Refusal."""
    plan = look(here, full_name)
    if plan.running:
        jobs = ", ".join(plan.running)
        raise AtWork(f"{jobs} runs in {full_name}", "write /persevere stop in its issue, or wait; then leave again")
    _tell(terminal, full_name, plan, export)
    if not yes and ask("  Do it? [y/N] ").strip().lower() not in ("y", "yes"):
        terminal.line("  Nothing was changed.")
        return BAD
    _write(export, exported(here, plan, full_name))
    terminal.fact("exported", str(export), "ok")
    _clear(here, plan, full_name)
    terminal.fact("GitHub", "our drafts, branches and label are gone", "ok")
    forgotten, blobs = forget(here, plan)
    terminal.fact("forgotten", f"{forgotten} records, {blobs} blobs", "ok")
    terminal.line()
    terminal.line("  What was merged and every comment stays. To end it for good, take the repository out of the App's")
    terminal.line(f"  installation: {plan.place.installation.page}")
    return PROVED


def look(here: Here, full_name: str) -> Plan:
    """Everything of ours, at GitHub and in the table; changes nothing."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", full_name):
        raise NotConfigured(f"{full_name!r} names no repository", "write OWNER/REPO, as GitHub shows it")
    places = Installations(here.wire, here.tokens).places()
    place = next((each for each in places if each.repository.full_name.lower() == full_name.lower()), None)
    if place is None:
        raise NotConfigured(f"the App is not installed on {full_name}", "name it as OWNER/REPO, as GitHub shows it")
    plan = Plan(place)
    _look_into_table(here, plan)
    _look_at_github(here, plan)
    return plan


def _look_into_table(here: Here, plan: Plan) -> None:
    for entry in read_all(here.store, f"REPO#{plan.place.repository.id}", "JOB#"):
        job = entry.key.sk.rpartition("#")[2]
        record = here.store.get(keys.job_state(job))
        if record is None:
            continue
        body = unpack(record, here.blobs).body
        plan.jobs.append(job)
        if (issue := str(body["issue"])) not in plan.issues:
            plan.issues.append(issue)
        if body["status"] not in ENDED:
            (plan.queued if body["status"] == WAITS else plan.running).append(job)


def _look_at_github(here: Here, plan: Plan) -> None:
    ours = f"{here.app_slug}[bot]".lower()
    busy: set[str] = set()
    for pull in _pages(here, plan, "pulls", state="open"):
        mine = str((pull.get("user") or {}).get("login", "")).lower() == ours
        labels = {str(each.get("name")) for each in pull.get("labels") or ()}
        if mine and (pull.get("draft") or DRAFT_LABEL in labels):
            plan.drafts.append(int(pull["number"]))
        else:
            busy.add(str(pull["head"]["ref"]))
    known = {f"-{job}" for job in plan.jobs}
    for ref in _pages(here, plan, "git", "matching-refs", "heads", PREFIX):
        branch = str(ref["ref"]).removeprefix("refs/heads/")
        if not any(branch.endswith(job) for job in known):
            plan.kept.append(f"{branch} (no job of ours here made it)")
        elif branch in busy:
            plan.kept.append(f"{branch} (an open pull request has it)")
        elif not _ahead(here, plan, branch):
            plan.kept.append(f"{branch} (merged)")
        else:
            plan.branches.append(branch)
    plan.label = _get(here, plan, "labels", DRAFT_LABEL) is not None


def _ahead(here: Here, plan: Plan, branch: str) -> bool:
    base = plan.place.repository.default_branch
    found = _get(here, plan, "compare", f"{base}...{branch}")
    return found is None or int(found.get("ahead_by", 1)) > 0


def _tell(terminal: Terminal, full_name: str, plan: Plan, export: Path) -> None:
    terminal.line(f"Leaving {full_name}")
    terminal.line()
    for name, found in (
        ("close", [f"draft #{number}" for number in plan.drafts]),
        ("delete", [f"branch {each}" for each in plan.branches] + ([f'label "{DRAFT_LABEL}"'] if plan.label else [])),
        ("drop", [f"queued job {each}" for each in plan.queued]),
        ("keep", plan.kept),
        ("forget", [f"{len(plan.issues)} issues and {len(plan.jobs)} jobs, exported to {export.name} first"]),
    ):
        for number, what in enumerate(found):
            terminal.fact(name if number == 0 else "", what)
    terminal.line()


def exported(here: Here, plan: Plan, full_name: str) -> dict[str, Any]:
    """Specs, approvals, ledgers and evidence, long texts whole again."""
    return {
        "repository": {"id": plan.place.repository.id, "full_name": full_name},
        "at": here.clock.now(),
        "issues": {pk: _records(here, pk) for pk in plan.issues},
        "jobs": {job: _records(here, keys.job_pk(job)) for job in plan.jobs},
    }


def _records(here: Here, pk: str) -> list[dict[str, Any]]:
    records = (record for prefix in EXPORTED for record in read_all(here.store, pk, prefix))
    return [
        {"key": each.key.sk, "kind": each.kind, "v": each.v, "body": unpack(each, here.blobs).body} for each in records
    ]


def _write(export: Path, content: Mapping[str, Any]) -> None:
    """Never over another export. Raises NotConfigured."""
    try:
        with export.open("x", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
    except FileExistsError as error:
        raise NotConfigured(f"{export} is there already", "name another place with --export") from error


def _clear(here: Here, plan: Plan, full_name: str) -> None:
    for number in plan.drafts:
        _send(here, plan, "PATCH", "publish", "pulls", str(number), json={"state": "closed"})
    for branch in plan.branches:
        _send(here, plan, "DELETE", "publish", "git", "refs", "heads", branch)
    if plan.label:
        _send(here, plan, "DELETE", "comment", "labels", DRAFT_LABEL)


def forget(here: Here, plan: Plan) -> tuple[int, int]:
    """Every record and blob of the repository; how many. What people must not do twice (`COMMAND#`) expires by itself."""
    repository = plan.place.repository.id
    partitions = [*plan.issues, *(keys.job_pk(job) for job in plan.jobs), f"REPO#{repository}"]
    found: list[Key] = [record.key for pk in partitions for record in _all(here.store, pk)]
    found += [keys.active(plan.place.installation.id, job) for job in plan.queued]
    found += [keys.task_link(job) for job in plan.jobs]
    for begin in range(0, len(found), MAX_CHANGES):
        changes: Sequence[Change] = [Delete(key, ANY) for key in found[begin : begin + MAX_CHANGES]]
        here.store.commit(*changes)
    return len(found), here.drop_blobs(repository)


def _all(store: Store, pk: str) -> Iterator[Record]:
    return read_all(store, pk, "")


def _path(plan: Plan, *parts: str) -> str:
    return f"/repos/{plan.place.repository.full_name}/" + "/".join(quote(each, safe="/.") for each in parts)


def _token(here: Here, plan: Plan, purpose: str) -> str:
    return here.tokens.token(purpose, plan.place.installation.id, plan.place.repository.id).value


def _get(here: Here, plan: Plan, *parts: str) -> Any:
    """None where there is no such thing."""
    try:
        return here.wire.send("GET", _path(plan, *parts), _token(here, plan, "read")).body
    except NotFound:
        return None


def _pages(here: Here, plan: Plan, *parts: str, **query: str) -> Iterator[Mapping[str, Any]]:
    page: Mapping[str, Any] | None = {**query, "per_page": PAGE_MAX}
    while page is not None:
        answer = here.wire.send("GET", _path(plan, *parts), _token(here, plan, "read"), params=page)
        yield from answer.body
        page = {**query, **answer.next} if answer.next else None


def _send(here: Here, plan: Plan, method: str, purpose: str, *parts: str, json: Any = None) -> None:
    """What is gone already is fine."""
    try:
        here.wire.send(method, _path(plan, *parts), _token(here, plan, purpose), json=json)
    except NotFound:
        return
    except Refusal as refusal:
        if not refusal.says("does not exist"):
            raise
