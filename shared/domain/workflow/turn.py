"""One turn of the workflow: a working copy of the view that handlers change, compiled into one transaction at the end.

Handlers say what shall be (`turn.issue = ...`, `turn.wish(...)`, `turn.put_job(...)`); `compile_turn` turns that into
record changes. Nothing here does I/O; ids and the time come in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.domain import keys
from shared.domain.effects import LEVEL, ONCE, Effect, Wish, level_id, once_id
from shared.domain.events import Event, EventKind
from shared.domain.facts import Fact, Need, Unknown
from shared.domain.inbound import Inbound
from shared.domain.issue import PHASES, IssueState, JobLine, Note, Phase, Remote, moved
from shared.domain.job import JobState
from shared.domain.ledger import Ledger
from shared.domain.messages import Message
from shared.domain.people import Person
from shared.domain.record import ABSENT, ANY, AtVersion, Change, Check, Delete, Expect, Key, Put, Record
from shared.domain.spec import SpecRecord
from shared.domain.usage import KEPT_DAYS, Line, Waiter
from shared.domain.view import View

STRAY_MS = 120_000  # a ledger with something held is looked at after so long
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Fresh:
    """Ids made for this turn: `jobs` in order of time, `ulids` for everything else."""

    jobs: tuple[str, ...]
    ulids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What one inbound leads to: one transaction, and a word for the record of handled inbounds."""

    changes: tuple[Change, ...]
    outcome: str


@dataclass(slots=True)
class Turn:
    """The working copy. `cause` names the inbound for ever (its sort key), so that effects of a repeat are the same."""

    view: View
    inbound: Inbound
    inbound_key: Key
    inbound_version: int
    facts: dict[Need, Fact]
    now: int
    fresh: Fresh
    issue: IssueState = field(init=False)
    ledger: Ledger | None = field(init=False)
    ask: Ledger | None = field(init=False)
    jobs: dict[str, JobState] = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    records: list[Change] = field(default_factory=list)
    outcome: str = "executed"
    used_jobs: int = 0
    used_ulids: int = 0
    new_ledger: bool = False
    usage: dict[Key, Line] = field(default_factory=dict)  # under the ceilings
    waiters: dict[str, Waiter] = field(default_factory=dict)  # by name: who found no room under them in this turn
    gates: set[str] = field(default_factory=set)
    settled: bool = False  # a line was closed by what the ledger says: the ledger must be the one that was read
    asking_settled: bool = False  # the same of the asking allowance

    def __post_init__(self) -> None:
        self.issue = self.view.issue
        self.ledger = self.view.ledger
        self.ask = self.view.ask

    # --- small questions -----------------------------------------------------------------------------------

    @property
    def cause(self) -> str:
        return self.inbound_key.sk

    @property
    def sender(self) -> Person:
        assert self.inbound.sender is not None, "an inbound of a person has a sender"
        return self.inbound.sender

    @property
    def command(self) -> str:
        """The operator's word for us, such as `/persevere`."""
        return self.view.operator.command

    @property
    def decider(self) -> str:
        """The login to mention when a person's decision is wanted: who approved, else who asked."""
        if self.issue.approval:
            return self.issue.approval.by.login
        return self.issue.requester.login if self.issue.requester else self.issue.repository.owner

    @property
    def draft(self) -> bool:
        """Whether the pull request is a draft: something is red, or the newest commit was not proved."""
        issue = self.issue
        red = any(each.conclusion in ("failed", "unproven") for each in issue.verdicts)
        return red or not issue.verdicts or issue.verified_head != issue.head

    @property
    def reviewers(self) -> list[str]:
        """A proved pull request asks by requesting review of who approved; a draft asks nobody."""
        return [self.issue.approval.by.login] if self.issue.approval and not self.draft else []

    def fact(self, need: Need) -> Fact:
        """What is known; a need that was never asked for is unknown, not absent."""
        return self.facts.get(need, Unknown("it was not asked for"))

    def job_id(self) -> str:
        self.used_jobs += 1
        return self.fresh.jobs[self.used_jobs - 1]

    def ulid(self) -> str:
        self.used_ulids += 1
        return self.fresh.ulids[self.used_ulids - 1]

    def job(self, job: str | None) -> JobState | None:
        """A job as this turn has it."""
        if job is None:
            return None
        if job in self.jobs:
            return self.jobs[job]
        return next((each for each in (self.view.job, self.view.build) if each and each.id == job), None)

    # --- saying what shall be ------------------------------------------------------------------------------

    def change(self, **fields: object) -> None:
        self.issue = self.issue.model_copy(update=fields)

    def move(self, phase: Phase, **fields: object) -> None:
        """Go to a phase; an event says so where a job is at work."""
        before = self.issue.phase
        self.issue = moved(self.issue, phase, **fields)
        if before != phase:
            self.event("phase", PHASES[phase], before=before, now=phase)

    def deadline(self, name: str, at: int | None) -> None:
        """Set or clear (None) a deadline; the watchdog rings when it passes."""
        others = {key: value for key, value in self.issue.deadlines.items() if key != name}
        self.change(deadlines=others if at is None else others | {name: at})

    def note(self, name: str, who: str = "", text: str = "") -> None:
        """A line in the status until the phase changes; the newest three of a name are kept."""
        same = [note for note in self.issue.notes if note.name == name][-2:]
        others = [note for note in self.issue.notes if note.name != name]
        self.change(notes=(*others, *same, Note(name=name, who=who, text=text, at=self.now)))

    def wish(self, kind: str, slot: str = "", **data: object) -> None:
        wish = Wish(kind=kind, slot=slot, data=data)
        if wish not in self.wishes:
            self.wishes.append(wish)

    def show(self) -> None:
        """Have everything that renders from the table written again: status, checks, pull request."""
        self.wish("status", "status")
        if self.issue.head or self.issue.marker_head:
            self.wish("checks", "checks")
        if self.issue.pull and self.issue.pull.state == "open":
            self.wish("pull_text", "pull", draft=self.draft, reviewers=self.reviewers)

    def say(self, slot: str, message: Message) -> None:
        """A new comment: it asks, or answers a refused command."""
        self.wish("comment", slot, **message.model_dump(mode="json"))

    def reply(self, message: Message, reaction: str = "confused") -> None:
        """Answer the comment at hand, with a reaction on it."""
        comment = self.inbound.comment
        self.react(reaction)
        self.say(f"reply-{comment.id if comment else self.cause}", message)

    def react(self, content: str) -> None:
        """A reaction on the comment at hand (none where the deed was no comment, was a tick, or stands in a review)."""
        comment = self.inbound.comment
        if comment is not None and not comment.in_review and self.inbound.kind != "box":
            self.wish("react", f"{comment.id}-{content}", on="comment", id=comment.id, content=content)

    def put_job(self, job: JobState) -> None:
        self.jobs[job.id] = job

    def put_spec(self, record: SpecRecord) -> None:
        key = keys.spec(self.view.pk, record.spec.version)
        version = self.view.version_of(key)
        self.records = [change for change in self.records if change.key != key]
        self.records.append(Put(Record(key, "spec", record.model_dump(mode="json")), _expect(version)))

    def event(self, kind: EventKind, title: str, job: str | None = None, **data: Any) -> None:
        """A line of the timeline, under the job that it belongs to (the active one, else the newest build)."""
        target = job or self.issue.job or self.issue.build
        if target is None:
            return
        self.events.append(
            Event(at=self.now, job=target, phase=self.issue.phase, kind=kind, title=title[:200], data=data)
        )

    def remember(self, slot: str, remote: Remote) -> None:
        self.change(slots=self.issue.slots | {slot: remote})


# --- compiling -----------------------------------------------------------------------------------------------


def compile_turn(turn: Turn) -> Decision:
    """The one transaction of this turn. Expectations are the versions that the view was read at."""
    changes: list[Change] = [*_issue_changes(turn), *_job_changes(turn), *_ledger_changes(turn), *_usage_changes(turn)]
    changes += turn.records
    changes += [_effect_change(turn, wish) for wish in turn.wishes]
    changes += [_event_change(turn, number, event) for number, event in enumerate(turn.events)]
    changes += _inbound_changes(turn)
    return Decision(tuple(changes), turn.outcome)


def _expect(version: int) -> Expect:
    return AtVersion(version) if version else ABSENT


def _issue_changes(turn: Turn) -> list[Change]:
    key = keys.issue_state(turn.view.pk)
    version = turn.view.version_of(key)
    if turn.issue == turn.view.issue and not version and not turn.wishes:
        return []
    issue = turn.issue.model_copy(update={"touched_at": turn.now, "jobs": _job_lines(turn)})
    record = Record(key, "issue", issue.model_dump(mode="json"), due=issue.due)
    return [Put(record, _expect(version))]


def _job_lines(turn: Turn) -> tuple[JobLine, ...]:
    lines = {line.id: line for line in turn.issue.jobs}
    for job in turn.jobs.values():
        old = lines.get(job.id)
        lease = turn.view.lease if turn.view.lease and turn.view.lease.job == job.id else None
        lines[job.id] = JobLine(
            id=job.id,
            kind=job.kind,
            purpose=job.purpose,
            status=job.status,
            round=job.round,
            steps=job.steps or (old.steps if old else 0),
            seconds=job.seconds or (old.seconds if old else 0.0),
            epoch=lease.epoch if lease else (old.epoch if old else 0),
        )
    return tuple(lines.values())[-40:]


def _job_changes(turn: Turn) -> list[Change]:
    changes: list[Change] = []
    for job in turn.jobs.values():
        key = keys.job_state(job.id)
        version = turn.view.version_of(key)
        changes.append(Put(Record(key, "job", job.model_dump(mode="json")), _expect(version)))
        active = keys.active(job.installation_id, job.id)
        history = keys.history(job.repository.id, job.created_at, job.id)
        if not version:
            body = {"job": job.id, "issue": job.issue, "repository": job.repository.id, "kind": job.kind}
            changes.append(Put(Record(history, "history", body), ABSENT))
            if not job.over:
                changes.append(Put(Record(active, "active", body), ABSENT))
        elif job.over:
            before = turn.view.job if turn.view.job and turn.view.job.id == job.id else turn.view.build
            if before is None or not before.over:
                changes.append(Delete(active, ANY))
    return changes


def _ledger_changes(turn: Turn) -> list[Change]:
    changes: list[Change] = []
    number = turn.issue.approval.ledger if turn.issue.approval else 0
    if turn.ledger is not None and number and (turn.new_ledger or turn.ledger != turn.view.ledger):
        key = keys.ledger(turn.view.pk, number)
        version = 0 if turn.new_ledger else turn.view.version_of(key)
        due = turn.now + STRAY_MS if turn.ledger.holds else None
        changes.append(Put(Record(key, "ledger", turn.ledger.model_dump(mode="json"), due=due), _expect(version)))
    if turn.ask is not None and turn.ask != turn.view.ask:
        key = keys.ask_ledger(turn.view.pk)
        due = turn.now + STRAY_MS if turn.ask.holds else None
        record = Record(key, "ledger", turn.ask.model_dump(mode="json"), due=due)
        changes.append(Put(record, _expect(turn.view.version_of(key))))
    return changes


def _usage_changes(turn: Turn) -> list[Change]:
    expires = turn.now + KEPT_DAYS * DAY_MS
    changes: list[Change] = [
        Put(Record(key, "usage", {"nano": line.nano, "at_work": line.at_work}, expires=expires), ANY)
        for key, line in turn.usage.items()
    ]
    changes += _waiting_changes(turn, expires)
    for scope in sorted(turn.gates):
        key = keys.gate(scope)
        changes.append(Put(Record(key, "gate", {"at": turn.now}), _expect(turn.view.version_of(key))))
    number = turn.issue.approval.ledger if turn.issue.approval else 0
    if turn.settled and number and turn.ledger == turn.view.ledger:
        key = keys.ledger(turn.view.pk, number)
        changes.append(Check(key, _expect(turn.view.version_of(key))))
    if turn.asking_settled and turn.ask == turn.view.ask:
        key = keys.ask_ledger(turn.view.pk)
        changes.append(Check(key, _expect(turn.view.version_of(key))))
    return changes


def _waiting_changes(turn: Turn, expires: int) -> list[Change]:
    """Who found no room keeps a place; whoever of this issue does not wait any more leaves it."""
    changes: list[Change] = [
        Put(Record(keys.waiting(name), "waiter", each.model_dump(mode="json"), expires=expires), ANY)
        for name, each in turn.waiters.items()
    ]
    for each in turn.view.waiters:
        if each.pk != turn.view.pk or each.name in turn.waiters:
            continue
        job = turn.job(each.name)
        asks = bool(turn.issue.queued) and turn.issue.phase == "interviewing"
        waits = asks if each.asking else job is not None and job.status == "queued"
        if not waits:
            changes.append(Delete(keys.waiting(each.name), ANY))
    return changes


def _effect_change(turn: Turn, wish: Wish) -> Change:
    pk = turn.view.pk
    if wish.kind in LEVEL:
        identity = level_id(pk, wish.kind, wish.slot)
        key = keys.level_effect(pk, identity)
        old = turn.view.levels.get(key)
        effect = old or Effect(id=identity, kind=wish.kind, slot=wish.slot, cause="level")
        effect = effect.model_copy(
            update={"wanted": effect.wanted + 1, "attempts": 0, "state": "open", "data": wish.data}
        )
        return Put(_effect_record(key, effect, turn.now), _expect(turn.view.version_of(key)))
    if wish.kind not in ONCE:
        raise ValueError(f"no such effect: {wish.kind}")
    identity = once_id(turn.cause, wish.kind, wish.slot)
    effect = Effect(id=identity, kind=wish.kind, slot=wish.slot, cause=turn.cause, data=wish.data)
    return Put(_effect_record(keys.once_effect(pk, identity), effect, turn.now), ABSENT)


def _effect_record(key: Key, effect: Effect, now: int) -> Record:
    return Record(key, "effect", effect.model_dump(mode="json"), due=now)


def _event_change(turn: Turn, number: int, event: Event) -> Change:
    key = keys.event(event.job, event.at, "c" + turn.cause[-6:], number)
    return Put(Record(key, "event", event.model_dump(mode="json")), ABSENT)


def _inbound_changes(turn: Turn) -> list[Change]:
    body = turn.inbound.model_dump(mode="json")
    body["handled_outcome"] = turn.outcome
    body["handled_at"] = turn.now
    expires = turn.now + keys.SEEN_DAYS * DAY_MS
    done = Record(keys.handled(turn.inbound_key), "handled", body, expires=expires)
    return [Delete(turn.inbound_key, AtVersion(turn.inbound_version)), Put(done, ABSENT)]
