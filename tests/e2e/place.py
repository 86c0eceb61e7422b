"""One story's repository, its people, and what they find there. People act over the simulator's HTTP alone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.github.people import Person
from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.issue import IssueState
from shared.domain.job import Lease
from shared.domain.ledger import Ledger
from shared.ports import read_all
from shared.spill import unpack

if TYPE_CHECKING:
    from tests.e2e.whole_product import WholeProduct

WRITTEN = "Persevere · written"
"""The last line of a status begins so."""


@dataclass
class Place:
    """`number` is the issue of the story, once it is opened; `spoken` the newest comment that somebody made for it."""

    product: WholeProduct
    full_name: str
    repository_id: int
    installation: int
    git_dir: Path
    octocat: Person
    hubot: Person
    refused_before: int = 0
    number: int = 0
    spoken: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def pk(self) -> str:
        return keys.issue_pk(self.repository_id, self.number)

    # --- what people do ------------------------------------------------------------------------------------

    def open_issue(self, body: str = "", by: Person | None = None) -> None:
        """The issue of the story. Its text names the repository, which is how the model knows whom it speaks with."""
        text = f"In {self.full_name} greet says hi; it should say hello.\n\n{body}"
        self.number = (by or self.octocat).open_issue(self.full_name, "Greet people by name", text)["number"]

    def say(self, body: str, by: Person | None = None) -> dict[str, Any]:
        self.spoken = (by or self.octocat).comment(self.full_name, self.number, body)
        return self.spoken

    def plan(self, line: str = "/persevere plan") -> None:
        """Open the issue, ask for a spec, and wait for what comes of it."""
        if not self.number:
            self.open_issue()
        self.say(line)
        self.settle()

    def approve(self, version: int = 1, *, wait: bool = True) -> None:
        self.say(f"/persevere approve v{version}")
        if wait:
            self.settle()

    def tick(self, version: int = 1, *, wait: bool = True) -> None:
        """Approve by the box of the spec comment."""
        self.octocat.tick(self.full_name, self.spec_comment(version)["id"], f"Approve v{version}")
        if wait:
            self.settle()

    def build(self) -> None:
        """From nothing to the end of an approved build, whatever that is."""
        self.plan()
        self.approve()

    # --- what is so ----------------------------------------------------------------------------------------

    def state(self) -> IssueState | None:
        """The issue as the table has it."""
        store, blobs = self.product.world.store, self.product.world.blobs
        record = store.get(keys.issue_state(self.pk))
        return None if record is None else IssueState.model_validate(unpack(record, blobs).body)

    @property
    def phase(self) -> str:
        state = self.state()
        return state.phase if state else "unknown"

    def open_work(self) -> list[str]:
        """Every inbound and effect that is not dealt with, and the job and planner that are still waited for."""
        store, blobs = self.product.world.store, self.product.world.blobs
        found: list[str] = []
        for pk in self._partitions():
            found += [record.key.sk for record in read_all(store, pk, "INBOUND#")]
            for record in read_all(store, pk, "EFFECT#"):
                effect = Effect.model_validate(unpack(record, blobs).body) if record.kind == "effect" else None
                if effect is not None and effect.open:
                    found.append(f"{effect.kind} {effect.slot} {effect.error}".strip())
        state = self.state()
        if state is not None:
            found += [f"job {state.job}"] if state.job else []
            found += [f"the runner of {line.id}" for line in state.jobs if self._is_held(line.id)]
            found += [f"deadline {name}" for name in ("planner", "quiet", "queue") if name in state.deadlines]
        return found

    def _is_held(self, job: str) -> bool:
        """Whether a runner has the job and has not said its last word: one that was stopped still hands over its work."""
        record = self.product.world.store.get(keys.job_lease(job))
        lease = None if record is None else Lease.model_validate(record.body)
        return lease is not None and not lease.finished and lease.until > self.product.world.clock.now()

    def _partitions(self) -> Iterable[str]:
        yield self.pk
        state = self.state()
        if state is not None and state.pull is not None:
            yield keys.pull_link(self.repository_id, state.pull.number).pk
            yield keys.issue_pk(self.repository_id, state.pull.number)

    def steps(self) -> int:
        """How many answers the model of the active job has given."""
        state = self.state()
        if state is None or state.job is None:
            return 0
        return sum(1 for _ in read_all(self.product.world.store, keys.job_pk(state.job), "STEP#"))

    def settle(self) -> None:
        """Wait until nothing is under way: no webhook, no inbound, no effect, no job, no planner."""
        last: list[str] = []

        def calm() -> bool:
            nonlocal last
            last = [] if self.product.quiet() else ["a webhook"]
            last = last or self.open_work()
            return not last and self.product.quiet() and not self.open_work()

        try:
            self.product.until(f"{self.full_name} to be settled", calm)
        except AssertionError as error:
            raise AssertionError(f"{error}: {last}; it is {self.phase}") from None

    def held(self) -> int:
        """Nano-dollars that any ledger of the issue still holds."""
        store = self.product.world.store
        return sum(Ledger.model_validate(record.body).held_nano for record in read_all(store, self.pk, "LEDGER#"))

    # --- what people find ----------------------------------------------------------------------------------

    def comments(self) -> list[dict[str, Any]]:
        return self.octocat.comments(self.full_name, self.number)

    def ours(self) -> list[str]:
        """Our comments as their page shows them (entities as characters), oldest first."""
        return [
            html.unescape(each["body"])
            for each in self.comments()
            if each["user"]["login"] == f"{self.product.app.slug}[bot]"
        ]

    def status(self) -> str:
        found = [body for body in self.ours() if WRITTEN in body]
        assert len(found) <= 1, "there is one status"
        return found[0] if found else ""

    def replies(self) -> list[str]:
        """Our comments beside the status: answers, questions, specs, halts."""
        return [body for body in self.ours() if WRITTEN not in body]

    def spec_comment(self, version: int = 1) -> dict[str, Any]:
        for each in self.comments():
            if each["user"]["type"] == "Bot" and re.search(rf"Approve v{version}\b", each["body"]):
                return each
        raise AssertionError(f"there is no comment of spec v{version}")

    def reactions(self, comment: int | None = None) -> list[str]:
        """What we reacted with to a comment (the newest of the story)."""
        found = self.octocat.get(f"/repos/{self.full_name}/issues/comments/{comment or self.spoken['id']}/reactions")
        return [each["content"] for each in found]

    def refusals(self) -> list[dict[str, Any]]:
        """What GitHub refused our App on this repository (GraphQL names none: all of it since the story began)."""
        found = self.product.steering.refusals()[self.refused_before :]
        general = ("/graphql", f"/app/installations/{self.installation}/")
        here = f"/repos/{self.full_name}"
        return [each for each in found if each["app"] and each["path"].startswith((here, *general))]

    def pull(self) -> dict[str, Any] | None:
        """The pull request that we opened."""
        for each in self.octocat.pulls(self.full_name, state="all"):
            if each["user"]["login"] == f"{self.product.app.slug}[bot]":
                return self.octocat.pull(self.full_name, each["number"])
        return None

    def checks(self) -> dict[str, dict[str, Any]]:
        """The newest check runs of our branch, by name."""
        state = self.state()
        head = state and (state.head or state.marker_head)
        return {each["name"]: each for each in self.octocat.checks(self.full_name, head)} if head else {}
