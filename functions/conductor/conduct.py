"""One issue's open inbounds, one after the other: load, gather facts, decide, commit; again on a conflict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.conductor.facts import gather, unknown
from functions.load import load_view
from shared.domain import keys
from shared.domain.commands.table import BY_VERB
from shared.domain.inbound import Inbound
from shared.domain.issue import IssueState
from shared.domain.operator import Operator
from shared.domain.record import ABSENT, AtVersion, Delete, Put, Record
from shared.domain.workflow.decide import FRESH_JOBS, FRESH_ULIDS, decide, decide_fault
from shared.domain.workflow.needs import awaited_outcome
from shared.domain.workflow.turn import Decision, Fresh
from shared.errors import Final
from shared.github.client import GitHubs
from shared.ports import Blobs, Clock, Conflict, Ids, OutcomeUnknown, Store, read_all
from shared.spill import pack, unpack

PATIENCE_MS = 5 * 60_000  # so long an inbound waits for facts that cannot be had
AGAIN_MS = 15_000
OUTCOME_MS = 1_000  # an outcome of ours rings its own bell
TRIES = 8
FAULTS_MAX = 3
FAULT_AGAIN_MS = 2_000
AT_ONCE = 50  # inbounds of one issue in one invocation; the bell rings again for more

Log = Callable[..., None]


@dataclass(frozen=True)
class Conductor:
    """Everything that deciding needs. It acts on nothing outside: effects are records."""

    store: Store
    blobs: Blobs
    clock: Clock
    ids: Ids
    operator: Operator
    github: GitHubs
    log: Log

    def conduct(self, pk: str) -> int:
        """Handle what is open on one issue, oldest first; commands that must not wait overtake. Returns how many."""
        handled = 0
        put_off: set[str] = set()
        while handled < AT_ONCE:
            record = self._next(pk, put_off)
            if record is None:
                return handled
            if self._handle(pk, record):
                handled += 1
            else:
                put_off.add(record.key.sk)
        return handled

    def _next(self, pk: str, put_off: set[str]) -> Record | None:
        now = self.clock.now()
        open_ones = [
            record
            for record in read_all(self.store, pk, "INBOUND#")
            if record.key.sk not in put_off and (record.due is None or record.due <= now)
        ]
        return next((record for record in open_ones if _overtakes(record)), open_ones[0] if open_ones else None)

    def _handle(self, pk: str, found: Record) -> bool:
        """True when this inbound is done with (decided, or moved to the issue it belongs to)."""
        for _ in range(TRIES):
            record = self.store.get(found.key)
            if record is None:
                return True  # somebody else was quicker
            try:
                return self._decide_one(pk, unpack(record, self.blobs), record)
            except Conflict:
                continue  # the view is old: read again
            except OutcomeUnknown:
                continue  # the next read shows whether it landed
            except Exception as error:  # noqa: BLE001 - a fault of ours: tried again, then a person is told with a number
                self._fault(pk, record, error)
                return False
        self.log("conductor.contended", pk=pk, inbound=found.key.sk)
        return False

    def _decide_one(self, pk: str, record: Record, stored: Record) -> bool:
        inbound = Inbound.model_validate(record.body)
        home = self._home_of(pk, inbound)
        if home is not None and home != pk:
            self._readdress(stored, home)
            return True
        now = self.clock.now()
        view = load_view(
            self.store,
            self.blobs,
            self.operator,
            pk,
            job=_job_of(inbound),
            blank=_blank(pk, inbound),
            now=now,
            heard=inbound,
        )
        is_patient = now - inbound.received < PATIENCE_MS
        slot = awaited_outcome(view, inbound)
        if slot and is_patient:
            return self._later(stored, now, OUTCOME_MS, slot, "its outcome is not known yet")
        facts = gather(view, inbound, self.github, self.clock)
        missing = unknown(facts)
        if missing is not None and is_patient:
            return self._later(stored, now, AGAIN_MS, type(missing[0]).__name__, missing[1].why)
        now = self.clock.now()
        self._commit(pk, decide(view, inbound, record.key, stored.version, facts, now, self._fresh(now)))
        return True

    def _later(self, stored: Record, now: int, wait_ms: int, need: str, why: str) -> bool:
        """Look at this inbound again then; it is not done with."""
        later = Record(stored.key, stored.kind, stored.body, v=stored.v, due=now + wait_ms)
        self.store.commit(Put(later, AtVersion(stored.version)))
        self.log("conductor.waits", pk=stored.key.pk, inbound=stored.key.sk, need=need, why=why)
        return False

    def _fresh(self, now: int) -> Fresh:
        jobs = tuple(self.ids.job(now) for _ in range(FRESH_JOBS))
        return Fresh(jobs, tuple(self.ids.ulid(now) for _ in range(FRESH_ULIDS)))

    def _commit(self, pk: str, decision: Decision) -> None:
        changes = [
            Put(pack(change.record, self.blobs, _scope(pk)), change.expect) if isinstance(change, Put) else change
            for change in decision.changes
        ]
        self.store.commit(*changes)
        self.log("conductor.decided", pk=pk, outcome=decision.outcome)

    def _fault(self, pk: str, record: Record, error: Exception) -> None:
        """Count it on the inbound; after some tries the person hears of it, and the others go on."""
        body = self._body_of(record)
        faults = int(body.get("faults", 0)) + 1
        number = f"E-{hashlib.sha256(record.key.sk.encode()).hexdigest()[:6].upper()}"
        self.log("conductor.fault", pk=pk, inbound=record.key.sk, number=number, tries=faults, exc_info=error)
        now = self.clock.now()
        if faults < FAULTS_MAX:
            later = Record(record.key, record.kind, body | {"faults": faults}, v=record.v, due=now + FAULT_AGAIN_MS)
            self.store.commit(Put(pack(later, self.blobs, _scope(pk)), AtVersion(record.version)))
            return
        inbound = Inbound.model_validate(body)
        view = load_view(self.store, self.blobs, self.operator, pk, blank=_blank(pk, inbound), heard=inbound)
        self._commit(pk, decide_fault(view, inbound, record.key, record.version, now, self._fresh(now), number))

    def _body_of(self, record: Record) -> dict[str, Any]:
        """The inbound's body; a stand-in that nothing hangs on where its blob is gone, so that it can be set aside."""
        try:
            return dict(unpack(record, self.blobs).body)
        except Final as error:
            self.log("conductor.inbound_lost", pk=record.key.pk, inbound=record.key.sk, why=str(error))
            return {"kind": "deadline", "received": 0, "data": {"names": []}, "faults": FAULTS_MAX}

    def _home_of(self, pk: str, inbound: Inbound) -> str | None:
        """The issue that a pull request of ours belongs to."""
        on_pull = inbound.kind == "pull" or (inbound.comment is not None and inbound.comment.on_pull)
        if not on_pull or inbound.repository is None:
            return None
        link = self.store.get(keys.pull_link(inbound.repository.id, inbound.number))
        return str(link.body["pk"]) if link else None

    def _readdress(self, stored: Record, home: str) -> None:
        sk = stored.key.sk
        moved = Record(type(stored.key)(home, sk), stored.kind, stored.body, v=stored.v, due=stored.due)
        self.store.commit(Delete(stored.key, AtVersion(stored.version)), Put(moved, ABSENT))


def _scope(pk: str) -> str:
    repository_id, number = keys.issue_of(pk)
    return f"{repository_id}/{number}"


def _overtakes(record: Record) -> bool:
    if record.body.get("kind") != "command":
        return False
    command = BY_VERB.get(str((record.body.get("data") or {}).get("verb", "")))
    return command is not None and command.overtakes


def _job_of(inbound: Inbound) -> str | None:
    """The job that this inbound is about, so that the view has it even when it is not the active one."""
    data = inbound.data
    job = data.get("job") or data.get("started_by") or (data.get("data") or {}).get("job")
    return str(job) if job else None


def _blank(pk: str, inbound: Inbound) -> IssueState | None:
    """The state of an issue that was never heard of."""
    if inbound.repository is None:
        return None
    return IssueState(
        pk=pk, repository=inbound.repository, installation_id=inbound.installation_id, number=inbound.number
    )
