"""The one object that a trial ends in, and whether that is green. GitHub's part of it is read from the simulator."""

from __future__ import annotations

from typing import Any

from local.github.people import Person
from local.trial.exits import PROVED, RED, WAITING
from local.trial.stage import Stage
from local.trial.watch import BOT
from shared.domain.evidence import Verdict
from shared.domain.issue import IssueState
from shared.domain.money import NANO

UMBRELLA = "Persevere"
ASKS = "action_required"  # what the check says while it is somebody's turn
HOLD = ("proved", "kept")


def report(
    stage: Stage, person: Person, number: int, issue: IssueState | None, *, seconds: float, sandbox: str
) -> dict[str, Any]:
    """Everything that can be known at the end, in one JSON object. Money in dollars, times in seconds."""
    repo = stage.scenery.full_name
    pull = _pull(person, repo)
    checks = [_check(each) for each in person.checks(repo, pull["head_sha"])] if pull else []
    written = [
        comment for at in (number, pull["number"] if pull else None) if at for comment in person.comments(repo, at)
    ]
    found: dict[str, Any] = {
        "issue": number,
        "repository": repo,
        "phase": issue.phase if issue else "untouched",
        "waiting": issue.waiting.model_dump(mode="json") if issue and issue.waiting else None,
        "spec": None,
        "approval": None,
        "jobs": [],
        "pull_request": pull,
        "criteria": [],
        "today": {},
        "cannot_run": {},
        "checks": checks,
        "comments": sum(1 for comment in written if comment["user"]["login"].endswith(BOT)),
        "notifications": sum(1 for row in stage.steering.log(notifying="true") if row["app"]),
        "money": {"limit": 0, "spent": 0, "held": 0, "asking": 0},
        "seconds": round(seconds, 1),
        "sandbox": sandbox,
    }
    return found | (_from_table(stage, issue) if issue else {})


def _from_table(stage: Stage, issue: IssueState) -> dict[str, Any]:
    spec = stage.table.spec(issue.pk, issue.version) if issue.version else None
    money = stage.table.money(issue.pk)
    approval = issue.approval
    return {
        "spec": {"version": spec.spec.version, "sha256": spec.sha256} if spec else None,
        "approval": approval
        and {
            "version": approval.version,
            "sha256": approval.sha256,
            "by": approval.by.login,
            "role": approval.role,
            "way": approval.way,
            "base": approval.base,
        },
        "jobs": [
            {
                "id": line.id,
                "kind": line.kind,
                "purpose": line.purpose,
                "round": line.round,
                "status": line.status,
                "epoch": line.epoch,
                "steps": line.steps,
                "seconds": round(line.seconds, 1),
            }
            for line in issue.jobs
        ],
        "criteria": [_criterion(each) for each in issue.verdicts],
        "today": dict(spec.today) if spec and not issue.verdicts else {},
        "cannot_run": dict(spec.cannot_run) if spec and not issue.verdicts else {},
        "money": {
            "limit": money.limit / NANO,
            "spent": money.spent / NANO,
            "held": money.held / NANO,
            "asking": money.asking / NANO,
        },
    }


def _criterion(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.criterion,
        "kind": verdict.kind,
        "base": verdict.base.outcome if verdict.base else None,
        "head": verdict.head.outcome if verdict.head else None,
        "conclusion": verdict.conclusion,
        "reason": verdict.reason,
    }


def _pull(person: Person, repo: str) -> dict[str, Any] | None:
    """The newest pull request of an App."""
    mine = [each for each in person.pulls(repo, state="all") if each["user"]["login"].endswith(BOT)]
    if not mine:
        return None
    newest = max(mine, key=lambda each: int(each["number"]))
    return {
        "number": newest["number"],
        "draft": newest["draft"],
        "state": newest["state"],
        "head_sha": newest["head"]["sha"],
        "head_ref": newest["head"]["ref"],
        "title": newest["title"],
    }


def _check(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": run["name"],
        "status": run["status"],
        "conclusion": run["conclusion"],
        "title": run["output"]["title"],
    }


def faults(found: dict[str, Any], *, none_is_fine: bool = False) -> list[str]:
    """What is missing for green, in words; empty when everything is proved. Decides from the object alone."""
    wrong = [f"{name} cannot be checked here: {reason}" for name, reason in found.get("cannot_run", {}).items()]
    waiting = found.get("waiting")
    if waiting:
        wrong.append(": ".join(filter(None, (waiting["reason"].replace("_", " "), waiting["detail"]))))
    wrong += [f"{name} {words}" for name, words in found.get("today", {}).items() if words.endswith("already")]
    pull = found["pull_request"]
    conclusions = {check["name"]: check["conclusion"] for check in found["checks"]}
    if pull is None:
        wrong.append("there is no pull request")
    elif pull["draft"] or pull["state"] != "open":
        wrong.append(f"pull request #{pull['number']} is {'a draft' if pull['draft'] else pull['state']}")
    if not found["criteria"] and not none_is_fine:
        wrong.append("no criterion was proved")
    for each in found["criteria"]:
        if each["conclusion"] not in HOLD:
            wrong.append(
                f"{each['id']} is {each['conclusion'].replace('_', ' ')}: {each['reason'] or 'no reason given'}"
            )
        elif pull and conclusions.get(f"{UMBRELLA} / {each['id']}") != "success":
            wrong.append(f"the check of {each['id']} on the pull request does not say success")
    if pull and conclusions.get(UMBRELLA) != "success":
        wrong.append(f"the check {UMBRELLA} says {conclusions.get(UMBRELLA) or 'nothing'}")
    if found["money"]["held"]:
        wrong.append("money is still held")
    return wrong


def exit_code(found: dict[str, Any]) -> int:
    """Green only when nothing is missing; `waiting` when it says so itself, a spec could not be approved, money or time
    is to be raised, or the pull request is there and lacks nothing but a person's word.
    """
    if not faults(found):
        return PROVED
    if found["phase"] in ("waiting", "proposed", "paused"):
        return WAITING
    return WAITING if found["phase"] == "in_review" and _lacks_a_word(found) else RED


def _lacks_a_word(found: dict[str, Any]) -> bool:
    """Whether all that does not hold is a person's call, and nothing else is wrong."""
    theirs = {each["id"] for each in found["criteria"] if each["conclusion"] in ("your_call", "already_true")}
    rest = [each for each in found["criteria"] if each["id"] not in theirs]
    said = [
        check | ({"conclusion": "success"} if check["name"] == UMBRELLA and check["conclusion"] == ASKS else {})
        for check in found["checks"]
    ]
    return bool(theirs) and not faults(found | {"criteria": rest, "checks": said}, none_is_fine=True)
