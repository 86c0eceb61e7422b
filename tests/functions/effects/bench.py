"""One issue on the simulator and its records in a table, and the engine that performs what is wished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.effects.attempt import Outside
from functions.effects.engine import Engine
from functions.effects.performers import PERFORMERS
from shared.domain import keys
from shared.domain.changeset import Change, Changeset, encode
from shared.domain.effects import LEVEL, Effect, level_id, once_id
from shared.domain.issue import Approval, IssueState
from shared.domain.operator import Operator
from shared.domain.people import Person
from shared.domain.record import ANY, Put, Record
from shared.github.pacing import UNPACED, Pace
from shared.ports import read_all
from tests.contract.github_client.stage import REPO, Stage
from tests.fakes.ports import Machines, MemoryBlobs, Planned
from tests.unit.render import views

CAUSE = "INBOUND#0000000000001#A"
BRANCH = "persevere/1-job0000001"


class Bench(Stage):
    def __init__(self, url: str, pace: Pace = UNPACED, **repository: Any) -> None:
        super().__init__(url, pace, **repository)
        self.issue = self.octocat.open_issue(REPO, "Export CSV", "With `;` please.")
        self.pk = keys.issue_pk(self.repository.id, 1)
        self.base = self.head()
        self.blobs, self.machines, self.planned = MemoryBlobs(), Machines(), Planned()
        self.outside = Outside(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            blobs=self.blobs,
            tasks=self.machines,
            planner=self.planned,
            operator=Operator(app_id=self.app["id"], app_slug="persevere", model="scripted:demo"),
            githubs=self.githubs,
            ticket_keys=(b"ticket-key",),
            marker_keys=(b"new-key", b"old-key"),
            app_id=self.app["id"],
        )
        self.octo = Person(id=self.octocat.get("/user")["id"], login="octocat")
        self.state(phase="interviewing")

    # --- the table ---------------------------------------------------------------------------------------------

    def state(self, **fields: Any) -> IssueState:
        """Store the issue's state with these fields changed."""
        record = self.store.get(keys.issue_state(self.pk))
        blank = IssueState(
            pk=self.pk,
            repository=self.repository,
            installation_id=self.installation["id"],
            number=1,
            title="Export CSV",
            author=self.octo,
            requester=self.octo,
        )
        state = (IssueState.model_validate(record.body) if record else blank).model_copy(update=fields)
        self.store.commit(Put(Record(keys.issue_state(self.pk), "issue", state.model_dump(mode="json")), ANY))
        return state

    def propose(self, version: int = 1) -> None:
        record = views.record(version, views.spec(version, base=self.base))
        self.store.commit(Put(Record(keys.spec(self.pk, version), "spec", record.model_dump(mode="json")), ANY))
        self.state(phase="proposed", version=version, proposed_at=self.clock.now())

    def approve(self, version: int = 1) -> None:
        """Propose and approve; the branch is named but not made."""
        self.propose(version)
        record = self.store.get(keys.spec(self.pk, version))
        assert record is not None
        approval = Approval(
            version=version,
            sha256=record.body["sha256"],
            by=self.octo,
            role="admin",
            at=self.clock.now(),
            base=self.base,
            ledger=1,
            way="typed",
        )
        self.state(phase="building", approval=approval, branch=BRANCH)

    def wish(self, kind: str, slot: str = "", *, cause: str = CAUSE, **data: Any) -> str:
        """Put an open effect, or wish a level effect once more; returns its id."""
        level = kind in LEVEL
        name = level_id(self.pk, kind, slot) if level else once_id(cause, kind, slot)
        key = keys.level_effect(self.pk, name) if level else keys.once_effect(self.pk, name)
        old = self.store.get(key) if level else None
        effect = Effect.model_validate(old.body) if old else Effect(id=name, kind=kind, slot=slot, cause=cause)
        changes: dict[str, Any] = {"data": data}
        if level:
            changes |= {"wanted": effect.wanted + 1, "attempts": 0, "state": "open"}
        body = effect.model_copy(update=changes).model_dump(mode="json")
        self.store.commit(Put(Record(key, "effect", body, due=self.clock.now()), ANY))
        return name

    # --- what happens ------------------------------------------------------------------------------------------

    def drain(self) -> int:
        return Engine(self.outside, PERFORMERS).drain([self.pk])

    def settle(self, rounds: int = 12) -> None:
        """Drain as the watchdog would ring, until nothing is open."""
        for _ in range(rounds):
            self.drain()
            due = [record.due for record in self.open_effects() if record.due is not None]
            if not due:
                return
            self.clock.advance(max(0.0, (min(due) - self.clock.now()) / 1000) + 1)

    def open_effects(self) -> list[Record]:
        found = [record for record in read_all(self.store, self.pk, "EFFECT#") if record.kind == "effect"]
        return [record for record in found if Effect.model_validate(record.body).open]

    def effect(self, name: str) -> Effect:
        for key in (keys.once_effect(self.pk, name), keys.level_effect(self.pk, name)):
            record = self.store.get(key)
            if record is not None:
                return Effect.model_validate(record.body)
        raise AssertionError(f"no effect {name}")

    def outcomes(self, name: str) -> list[dict[str, Any]]:
        """The outcome inbounds of one effect, oldest first."""
        inbounds = [record.body["data"] for record in read_all(self.store, self.pk, "INBOUND#")]
        return [data for data in inbounds if data.get("effect") == name]

    def outcome(self, name: str) -> dict[str, Any]:
        """The only outcome of an effect."""
        found = self.outcomes(name)
        assert len(found) == 1, found
        return found[0]

    def did(self, kind: str, slot: str = "", **data: Any) -> dict[str, Any]:
        """Wish, drain, and the newest outcome's remote; it must be done."""
        name = self.wish(kind, slot, **data)
        self.drain()
        outcome = self.outcomes(name)[-1]
        assert outcome["state"] == "done", outcome
        return dict(outcome["remote"])

    def refused(self, kind: str, slot: str = "", **data: Any) -> dict[str, Any]:
        """Wish, drain, and the outcome; it must be refused."""
        name = self.wish(kind, slot, **data)
        self.drain()
        outcome = self.outcomes(name)[-1]
        assert outcome["state"] == "refused", outcome
        return outcome

    # --- a change ----------------------------------------------------------------------------------------------

    def changeset(
        self, files: Mapping[str, str | bytes | None], *, base: str = "", modes: dict[str, str] | None = None
    ) -> str:
        """A changeset blob; None deletes a path."""
        changes = []
        for path, text in files.items():
            data = text.encode() if isinstance(text, str) else text or b""
            mode = None if text is None else (modes or {}).get(path, "100644")
            changes.append(Change(path.encode(), mode, data))
        return self.blobs.put(
            f"{self.repository.id}/job0000001", encode(Changeset(base or self.base, "", tuple(changes)))
        )

    def branched(self) -> str:
        """Approve and make the branch; returns its empty commit."""
        self.approve()
        sha = str(self.did("branch", BRANCH, branch=BRANCH, base=self.base, job="job0000001")["sha"])
        self.state(marker_head=sha)
        return sha

    def committed(self, files: Mapping[str, str | bytes | None] | None = None) -> str:
        """A branch with one content commit; returns its sha."""
        before = self.branched()
        blob = self.changeset(files or {"src/b.py": "y = 2\n"})
        sha = str(self.did("commit", "c1", branch=BRANCH, before=before, changeset=blob, job="job0000001")["sha"])
        self.state(head=sha)
        return sha
