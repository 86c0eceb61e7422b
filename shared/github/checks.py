"""Check runs of our App on one commit. docs.github.com/rest/checks/runs"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared import limits
from shared.domain.clip import clip, clip_line
from shared.github.client import GitHub

TITLE_MAX = 255


@dataclass(frozen=True, slots=True)
class Run:
    """A check run as GitHub has it. `external_id` is ours: `<job>:<slot>`."""

    id: int
    name: str
    external_id: str
    status: str
    conclusion: str | None

    @property
    def slot(self) -> str:
        return self.external_id.partition(":")[2]


@dataclass(frozen=True, slots=True)
class RunText:
    """What a run shall show. Times in UTC ms. `actions` are {label, description, identifier}.

    `annotations` are GitHub's objects; what is over the limit of one request is sent by further ones.
    """

    name: str
    external_id: str
    status: str
    conclusion: str | None
    title: str
    summary: str
    text: str = ""
    started_at: int | None = None
    completed_at: int | None = None
    actions: Sequence[Mapping[str, str]] = ()
    annotations: Sequence[Mapping[str, Any]] = field(default=())


def runs_of(github: GitHub, sha: str, app_id: int) -> list[Run]:
    """All runs of our App on a commit, older ones of a name too; newest last."""
    path = github.path("commits", sha, "check-runs")
    found = github.pages(path, {"app_id": app_id, "filter": "all"}, items="check_runs")
    return sorted((_run(each) for each in found if each["app"]["id"] == app_id), key=lambda run: run.id)


def create(github: GitHub, sha: str, run: RunText) -> Run:
    body = _body(run) | {"head_sha": sha}
    made = _run(github.post(github.path("check-runs"), body).body)
    _annotate_rest(github, made.id, run)
    return made


def update(github: GitHub, id: int, run: RunText) -> Run:
    """Raises NotFound when it is away (data is kept 400 days)."""
    changed = _run(github.patch(github.path("check-runs", id), _body(run)).body)
    _annotate_rest(github, id, run)
    return changed


def _annotate_rest(github: GitHub, id: int, run: RunText) -> None:
    """GitHub takes so many annotations a request and appends those of further ones."""
    size = limits.CHECK_ANNOTATIONS_PER_REQUEST
    for start in range(size, len(run.annotations), size):
        output = _output(run) | {"annotations": list(run.annotations[start : start + size])}
        github.patch(github.path("check-runs", id), {"output": output})


def _body(run: RunText) -> dict[str, Any]:
    first = list(run.annotations[: limits.CHECK_ANNOTATIONS_PER_REQUEST])
    body: dict[str, Any] = {
        "name": run.name,
        "external_id": run.external_id,
        "output": _output(run) | ({"annotations": first} if first else {}),
    }
    # A conclusion makes a run completed, and only a completed one may have buttons.
    if run.conclusion is None:
        body["status"] = run.status
    else:
        body |= {"status": "completed", "conclusion": run.conclusion, "actions": _actions(run.actions)}
    for name, at in (("started_at", run.started_at), ("completed_at", run.completed_at)):
        if at is not None and (name == "started_at" or run.conclusion is not None):
            body[name] = iso(at)
    return body


def _output(run: RunText) -> dict[str, Any]:
    output: dict[str, Any] = {
        "title": clip_line(run.title, TITLE_MAX),
        "summary": clip(run.summary, limits.CHECK_OUTPUT_MAX_BYTES),
    }
    if run.text:
        output["text"] = clip(run.text, limits.CHECK_OUTPUT_MAX_BYTES)
    return output


def _actions(actions: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {
            "label": clip_line(action["label"], limits.CHECK_ACTION_LABEL_MAX),
            "description": clip_line(action["description"], limits.CHECK_ACTION_DESCRIPTION_MAX),
            "identifier": action["identifier"][: limits.CHECK_ACTION_IDENTIFIER_MAX],
        }
        for action in actions[: limits.CHECK_ACTIONS_MAX]
    ]


def iso(at: int) -> str:
    """UTC ms as GitHub writes times."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _run(found: Any) -> Run:
    return Run(
        id=found["id"],
        name=found["name"],
        external_id=found.get("external_id") or "",
        status=found["status"],
        conclusion=found.get("conclusion"),
    )
