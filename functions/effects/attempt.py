"""One attempt at one effect: what a performer may see and use while the claim is ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions.effects.outcome import Lost, Outcome
from functions.load import IssueMissing, load_view
from shared.domain import keys
from shared.domain.effects import CLAIM_S, Effect
from shared.domain.inbound import Inbound
from shared.domain.issue import IssueState
from shared.domain.operator import Operator
from shared.domain.record import ABSENT, AtVersion, Change, Put, Record
from shared.domain.view import View
from shared.errors import Retryable
from shared.github.client import GitHub, GitHubs
from shared.github.markers import marker
from shared.github.pacing import Patience
from shared.ports import Blobs, Clock, Conflict, Ids, OutcomeUnknown, Planner, Store, Tasks
from shared.spill import pack, unpack

LOOK_BACK_MS = 60_000  # GitHub's clock and ours may differ by so much
KEPT_MS = keys.SEEN_DAYS * 24 * 3600 * 1000
WRITE_TRIES = 8


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that effects reach."""

    store: Store
    clock: Clock
    ids: Ids
    blobs: Blobs
    tasks: Tasks
    planner: Planner
    operator: Operator
    githubs: GitHubs
    ticket_keys: Sequence[bytes]
    marker_keys: Sequence[bytes]
    app_id: int


class Attempt:
    """A claimed effect. `again` says that an earlier attempt may have landed, so one must look before one acts."""

    def __init__(self, outside: Outside, record: Record, effect: Effect, patience: Patience) -> None:
        self.outside = outside
        self.effect = effect
        self.pk = record.key.pk
        self.again = effect.stage.get("since") is not None
        self.earlier = effect.stage.get("since")
        self.wanted = effect.wanted
        self._record = record
        self._patience = patience
        self._issue: IssueState | None = None
        self._view: View | None = None
        self._githubs: dict[str, GitHub] = {}
        self._numbers = 0

    # --- what a performer sees ---------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.outside.clock.now()

    @property
    def data(self) -> dict[str, Any]:
        return self.effect.data

    @property
    def issue(self) -> IssueState:
        """The issue's state, without the rest of the view. Raises IssueMissing."""
        if self._issue is None:
            record = self.outside.store.get(keys.issue_state(self.pk))
            if record is None:
                raise IssueMissing(f"nothing is stored of {self.pk}")
            self._issue = IssueState.model_validate(unpack(record, self.outside.blobs).body)
        return self._issue

    @property
    def view(self) -> View:
        """Read once, after the claim: what was wished before it is in it."""
        if self._view is None:
            out = self.outside
            self._view = load_view(out.store, out.blobs, out.operator, self.pk, for_rendering=True)
        return self._view

    @property
    def marker(self) -> str:
        return marker(self.outside.marker_keys, self.effect.id)

    @property
    def since(self) -> int:
        """When (UTC ms) this effect was first claimed by an attempt that may have landed."""
        return int(self.effect.stage["since"])

    @property
    def look_from(self) -> int:
        """The earliest moment (UTC ms) at which something of this effect can have appeared."""
        return self.since - LOOK_BACK_MS

    def github(self, purpose: str) -> GitHub:
        if purpose not in self._githubs:
            issue = self.issue
            self._githubs[purpose] = self.outside.githubs.client(
                purpose, issue.installation_id, issue.repository, self._patience
            )
        return self._githubs[purpose]

    @property
    def in_doubt(self) -> bool:
        """Whether something may have happened outside that no record of ours knows of."""
        return any(github.wrote for github in self._githubs.values())

    def save(self, **stage: Any) -> None:
        """Record how far a long effect came, so that another attempt goes on from there. Raises Lost."""
        self.write(lambda effect: effect.model_copy(update={"stage": effect.stage | stage}))
        for github in self._githubs.values():
            github.wrote = False

    # --- the record ----------------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Make it ours for 75 seconds. Raises Lost when somebody was quicker."""
        now = self.now
        self.effect = self.effect.model_copy(
            update={
                "attempts": self.effect.attempts + 1,
                "claimed_at": now,
                "claimed_until": now + CLAIM_S * 1000,
                "claimer": self.outside.ids.ulid(now),
                "stage": {"since": now} | self.effect.stage,
            }
        )
        mine = self.effect
        self._commit(replace(self._record, body=self._body(mine), due=mine.claimed_until), mine)

    def release(self, due: int, error: str, *, counts: bool, again: bool) -> None:
        """Give it back, to be tried at `due`. `again`: something may have landed, so whoever comes next must look."""

        def alter(effect: Effect) -> Effect:
            stage = dict(effect.stage)
            if not again and self.earlier is None:
                stage.pop("since", None)
            attempts = effect.attempts if counts else max(0, effect.attempts - 1)
            free = {"claimed_at": None, "claimed_until": None, "attempts": attempts, "error": error, "stage": stage}
            return effect.model_copy(update=free)

        self.write(alter, due=due)

    def finish(self, outcome: Outcome) -> None:
        """The end, in one transaction: effect closed, outcome for the conductor, links. Raises Lost."""
        now = self.now
        inbound = self._inbound(outcome, now)

        def alter(effect: Effect) -> Effect:
            end: dict[str, Any] = {"remote": outcome.remote, "error": outcome.error, "stage": {}, "claimed_until": None}
            if effect.level:
                end |= {"done": self.wanted, "attempts": 0, "claimed_at": None}
                if outcome.state != "done":
                    end["remote"] = effect.remote
            else:
                end |= {"state": outcome.state}
            return effect.model_copy(update=end)

        others = (Put(inbound, ABSENT), *outcome.links)
        self.write(alter, due=None, others=others)

    def write(
        self,
        alter: Callable[[Effect], Effect],
        *,
        due: int | None = -1,
        others: tuple[Change, ...] = (),
    ) -> None:
        """Change the record while it is ours. decide may raise `wanted` meanwhile: then the change is laid over that.

        `due` -1 keeps it. Raises Lost.
        """
        for _ in range(WRITE_TRIES):
            altered = alter(self.effect)
            still_open = altered.open and altered.claimed_until is None
            record = replace(self._record, body=self._body(altered))
            if due != -1:
                # A wish that came while we rendered is open work: it must stay in sight of whoever looks for that.
                at = due if due is not None or not still_open else self.now
                expires = None if altered.open or altered.level else self.now + KEPT_MS
                record = replace(record, due=at, expires=expires)
            try:
                self._commit(record, altered, *others)
                return
            except Conflict:
                self._reread()
        raise Retryable("the effect's record is contended")

    def _commit(self, record: Record, effect: Effect, *others: Change) -> None:
        """Write and remember. A lost answer is asked for again with the same token, which can do no harm."""
        packed = pack(record, self.outside.blobs, self._scope)
        self._numbers += 1
        token = f"{effect.claimer}-{self._numbers}"
        for left in (2, 1, 0):
            try:
                self.outside.store.commit(Put(packed, AtVersion(record.version)), *others, token=token)
                break
            except OutcomeUnknown:
                if not left:
                    raise
        self.effect = effect
        self._record = replace(record, version=record.version + 1)

    def _reread(self) -> None:
        current = self.outside.store.get(self._record.key)
        if current is None:
            raise Lost("the effect's record is gone")
        effect = Effect.model_validate(unpack(current, self.outside.blobs).body)
        if effect.claimer != self.effect.claimer or effect.claimed_until != self.effect.claimed_until:
            raise Lost("somebody else has the effect")
        self.effect, self._record = effect, current

    def _inbound(self, outcome: Outcome, now: int) -> Record:
        effect = self.effect
        data = {
            "effect": effect.id,
            "kind": effect.kind,
            "slot": effect.slot,
            "state": outcome.state,
            "remote": outcome.remote,
            "error": outcome.error,
            "wanted": self.wanted,
            "data": effect.data,
        }
        body = Inbound(kind="outcome", received=now, data=data).model_dump(mode="json")
        key = keys.inbound(self.pk, now, self.outside.ids.ulid(now))
        return pack(Record(key, "inbound", body, due=now), self.outside.blobs, self._scope)

    @property
    def _scope(self) -> str:
        repository, number = keys.issue_of(self.pk)
        return f"{repository}/{number}"

    @staticmethod
    def _body(effect: Effect) -> dict[str, Any]:
        return effect.model_dump(mode="json")
