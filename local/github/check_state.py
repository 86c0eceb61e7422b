"""Check suites and check runs, as the simulator keeps them."""

from dataclasses import dataclass, field
from typing import Any

from local.github.state import App, Repository


@dataclass(eq=False)
class CheckSuite:
    id: int
    node_id: str
    repository: Repository
    app: App
    head_sha: str
    head_branch: str | None
    created_at: float
    updated_at: float
    runs: list["CheckRun"] = field(default_factory=list)

    @property
    def status(self) -> str:
        """A suite without runs looks queued for ever, as on GitHub."""
        if not self.runs:
            return "queued"
        if all(run.status == "completed" for run in self.latest):
            return "completed"
        return "in_progress" if any(run.status != "queued" for run in self.latest) else "queued"

    @property
    def latest(self) -> list["CheckRun"]:
        """The newest run of each name."""
        return list({run.name: run for run in sorted(self.runs, key=lambda run: run.id)}.values())

    @property
    def conclusion(self) -> str | None:
        """The worst conclusion of the newest runs, once all are complete."""
        if self.status != "completed":
            return None
        found = {run.conclusion for run in self.latest}
        order = ("action_required", "failure", "timed_out", "cancelled", "stale", "success", "neutral", "skipped")
        return next((conclusion for conclusion in order if conclusion in found), None)


@dataclass(eq=False)
class CheckRun:
    id: int
    node_id: str
    repository: Repository
    app: App
    suite: CheckSuite
    name: str
    head_sha: str
    status: str
    started_at: float
    external_id: str = ""
    details_url: str | None = None
    conclusion: str | None = None
    completed_at: float | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
