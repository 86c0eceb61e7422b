"""Everything that can happen to an issue from outside, as deeds that a random test may do in any order.

Each deed asks `pick` for its choices and returns what the inbound came to, or None where it cannot happen now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.job import JobState
from shared.domain.money import NANO
from tests.unit.domain.world_in_memory import MINUTE, OCTOCAT, PEOPLE, SPEC, World, spec_body

T = TypeVar("T")
Pick = Callable[[Sequence[Any]], Any]
Deed = Callable[[World, Pick], str | None]

LINES = (
    "/persevere", "/persevere interview", "/persevere plan", "/persevere approve v1", "/persevere approve v2",
    "/persevere approve v1 00000000", "/persevere revise AC-1: warn instead", "/persevere revise budget $2",
    "/persevere revise time 20m", "/persevere spec", "/persevere say use the csv module", "/persevere say skip AC-2",
    "/persevere stop", "/persevere resume", "/persevere retry", "/persevere extend +$2 +20m", "/persevere extend +$90",
    "/persevere accept AC-1 fine", "/persevere accept AC-2", "/persevere accept AC-7", "/persevere verify",
    "/persevere model scripted", "/persevere model script", "/persevere status", "/persevere help", "/persevere stpo", "/persevere approve", "/persevere start",
    "/persevere include https://github.com/octo-org/octo-repo/issues/42#issuecomment-1001",
)  # fmt: skip
WORDS = ("1a 2b", "LGTM", "> quoted\n\nyes", "please\n/persevere stop", "@hubot what do you think?", "ok")

ERRORS = {
    "commit": ("policy", "bad_changeset", "moved", "gone", "no_change", "permission", "unprocessable"),
    "branch": ("unprocessable", "permission"),
    "pull": ("closed", "no_change", "unprocessable", "permission", "gone"),
    "start_task": ("final",),
    "start_planner": ("final",),
}
ANY_ERROR = ("locked", "gone", "permission", "forbidden", "unprocessable")

GAVE_UP = (
    "out_of_money",
    "out_of_time",
    "model",
    "no_setup",
    "no_workspace",
    "too_big",
    "refused",
    "busy",
    "spend_cap",
    "",
)


def command(world: World, pick: Pick) -> str | None:
    return world.says(pick(PEOPLE), pick(LINES))


def maintainers_command(world: World, pick: Pick) -> str | None:
    return world.says(OCTOCAT, pick(LINES))


def offered_line(world: World, pick: Pick) -> str | None:
    """A person does what the status says."""
    waiting = world.issue.waiting
    return world.says(OCTOCAT, waiting.line) if waiting and waiting.line else None


def words(world: World, pick: Pick) -> str | None:
    return world.says(pick(PEOPLE), pick(WORDS))


def box(world: World, pick: Pick) -> str | None:
    versions = [int(slot[6:]) for slot in world.issue.slots if slot.startswith("spec-v")]
    if not versions:
        return None
    version, who = pick(versions), pick(PEOPLE)
    match pick(("tick", "tick", "untick", "alter")):
        case "tick":
            return world.ticks(who, version)
        case "untick":
            return world.unticks(who, version)
        case _:
            body = spec_body(version)
            return world.edits(who, f"spec-v{version}", body, body.replace("ready", "rotten"))


def issue_event(world: World, pick: Pick) -> str | None:
    return world.issue_event(pick(PEOPLE), pick(("edited", "closed", "reopened", "locked", "unlocked", "deleted")))


def pull_event(world: World, pick: Pick) -> str | None:
    pull = world.issue.pull
    if pull is None or pull.state == "merged":
        return None
    what = pick(("merged", "closed", "reopened", "synchronize"))
    if what == "synchronize":
        return world.pull_event(OCTOCAT, "synchronize", head=f"{world.number():040x}")
    if (what == "reopened") == (pull.state == "open"):
        return None
    action = "closed" if what == "merged" else what
    return world.pull_event(OCTOCAT, action, merged=what == "merged")


def perform(world: World, pick: Pick) -> str | None:
    """One effect comes out well."""
    waiting = world.effects()
    return world.perform(pick(waiting)) if waiting else None


def refuse(world: World, pick: Pick) -> str | None:
    """One effect does not."""
    waiting = world.effects()
    if not waiting:
        return None
    effect: Effect = pick(waiting)
    if pick((False, True)):
        return world.perform(effect, "gave_up", "trouble", words="GitHub answered 502")
    problems = [{"path": "ci.yml", "rule": "protected", "words": "no"}]
    error = pick(ERRORS.get(effect.kind, ANY_ERROR))
    return world.perform(effect, "refused", error, words="GitHub said no", problems=problems, number=57)


def settle(world: World, pick: Pick) -> str | None:
    if not world.effects():
        return None
    world.settle()
    return "settled"


def _launched(world: World) -> JobState | None:
    """The active job, when its machine was asked for and got."""
    job = world.issue.job
    if job is None:
        return None
    state = world.job(job)
    begun = [each for each in world.effects("start_task", still_open=False) if each.data["job"] == job]
    return state if begun and state.status in ("launching", "running") else None


def claim(world: World, pick: Pick) -> str | None:
    job = _launched(world)
    return world.claims(job.id) if job else None


def late_claim(world: World, pick: Pick) -> str | None:
    """The claim of a job that was stopped meanwhile, decided only now."""
    over = [line.id for line in world.issue.jobs if line.id != world.issue.job]
    if not over:
        return None
    return world.inbound({"kind": "job", "data": {"job": pick(over), "epoch": 1, "claimed": True}})


def _running(world: World) -> JobState | None:
    job = _launched(world)
    lease = world.store.get(keys.job_lease(job.id)) if job else None
    return job if lease is not None and not lease.body["finished"] else None


def finish_well(world: World, pick: Pick) -> str | None:
    job = _running(world)
    if job is None:
        return None
    outcomes = ("pass", "fail", "could_not_run")
    match job.kind:
        case "survey":
            return world.surveys(job.id, AC_1=pick(outcomes), AC_2=pick(outcomes))
        case "verify":
            return world.verifies(job.id, AC_1=pick(outcomes), AC_2=pick(outcomes))
        case _:
            tree = pick(("one", "other", None))
            return world.finishes(
                "handed_over", job.id, changeset="blob", files=pick((0, 1)), tree=tree, summary="done"
            )


def finish_badly(world: World, pick: Pick) -> str | None:
    job = _running(world)
    if job is None:
        return None
    if pick((False, True)):
        return world.finishes("interrupted", job.id, reason="signal")
    files = pick((0, 1))
    return world.finishes("gave_up", job.id, reason=pick(GAVE_UP), files=files, changeset="blob" if files else None)


def late_finish(world: World, pick: Pick) -> str | None:
    """A runner that was told to leave says its last word."""
    over = [line.id for line in world.issue.jobs if line.id != world.issue.job]
    if not over:
        return None
    return world.finishes("interrupted", pick(over), reason="stopped", changeset="blob", files=1)


def planner(world: World, pick: Pick) -> str | None:
    asks = world.effects("start_planner", still_open=False)
    if not asks:
        return None
    effect = pick(asks).id
    match pick(("spec", "spec", "questions", "failed", "broken")):
        case "spec":
            return world.plans(effect)
        case "questions":
            return world.plans(effect, outcome="questions", questions=({"text": "Which?", "options": []},))
        case "broken":
            return world.plans(effect, spec=pick(({}, SPEC | {"criteria": [{"id": "1"}]}, SPEC | {"criteria": None})))
        case _:
            failed = pick(("out_of_money", "model", "fault", "invalid"))
            return world.plans(effect, outcome="failed", spec=None, failed=failed, detail="words")


def ring(world: World, pick: Pick) -> str | None:
    deadlines = world.issue.deadlines
    return world.rings(pick(sorted(deadlines))) if deadlines else None


def ring_everything(world: World, pick: Pick) -> str | None:
    deadlines = world.issue.deadlines
    return world.rings(*sorted(deadlines)) if deadlines else None


def lose_lease(world: World, pick: Pick) -> str | None:
    return world.loses_lease() if _running(world) else None


def lose_task(world: World, pick: Pick) -> str | None:
    job = _launched(world)
    if job is None:
        return None
    world.now += pick((0, 2)) * MINUTE
    data = {"started_by": job.id, "state": "stopped", "reason": "out of memory", "launch": pick((job.launch, 1))}
    return world.inbound({"kind": "task", "data": data})


def spend(world: World, pick: Pick) -> str | None:
    if world.issue.approval is None or world.view().ledger is None:
        return None
    ledger = world.view().ledger
    assert ledger is not None
    world.spends(min(ledger.left_nano, pick((NANO, 10 * NANO))), pick((60.0, 3600.0)))
    return "spent"


def crowd(world: World, pick: Pick) -> str | None:
    """Other issues' jobs come and go."""
    world.operator = world.operator.model_copy(update={"jobs_a_repository": pick((0, 3, 3))})
    return "crowded"


DEEDS: tuple[Deed, ...] = (
    command, maintainers_command, maintainers_command, offered_line, words, box, issue_event, pull_event, perform,
    perform, refuse, settle, settle, claim, claim, late_claim, finish_well, finish_well, finish_well, finish_badly,
    late_finish, planner, planner, ring, ring_everything, lose_lease, lose_task, spend, crowd,
)  # fmt: skip
