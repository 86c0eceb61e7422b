"""A piece of planning work: who has it, what was there before it, and money that a dead planner left held."""

from __future__ import annotations

from dataclasses import dataclass, replace

from functions.planner.talk import Talk
from functions.world import World
from shared.domain import keys
from shared.domain.issue import IssueState
from shared.domain.plan import PlanState
from shared.domain.record import ABSENT, AtVersion, Check, Key, Put, Record, replace_of
from shared.domain.spec import SpecRecord
from shared.domain.step import Out, StepState
from shared.errors import Final
from shared.llm.sweep import slot_of_hold, sweep_ledger
from shared.ports import Conflict, read_all
from shared.spill import SpillingStore

CLAIM_MS = 9 * 60 * 1000  # longer than one question may take; prolonged before each
SWEEP_TRIES = 30


@dataclass(slots=True)
class Work:
    """What this planner has in hand. `record` is its claim as it was written last.

    `adopted` is the work of a planner that died with an answer in its hand: it is gone on with under its own name, so
    that nothing is asked and paid for twice. `model` answered last, `outs` are done without.
    """

    here: World
    store: SpillingStore
    pk: str
    plan: PlanState
    record: Record
    issue: IssueState
    before: tuple[Talk, ...]
    spec: SpecRecord | None
    heard: tuple[Record, ...]
    adopted: Talk | None = None
    spent: int = 0
    model: str = ""
    outs: tuple[Out, ...] = ()

    @property
    def home(self) -> str:
        """The name under which the questions are kept."""
        return self.adopted.plan.effect if self.adopted is not None else self.plan.effect


def claim(here: World, store: SpillingStore, pk: str, effect: str) -> Work | None:
    """None when the work is done, or somebody alive is at it. Raises Final when the issue is gone."""
    key, now = keys.plan(pk, effect), here.clock.now()
    record = store.get(key)
    known = None if record is None else PlanState.model_validate(record.body)
    if known is not None and (known.done or known.until > now):
        return None
    issue_record = store.get(keys.issue_state(pk))
    if issue_record is None:
        raise Final(f"nothing is stored of {pk}")
    issue = IssueState.model_validate(issue_record.body)
    before = tuple(talk for talk in _talks(store, pk) if talk.plan.effect != effect)
    mine = PlanState(effect=effect, claimer=here.ids.ulid(now), claimed_at=now, until=now + CLAIM_MS)
    if known is not None:
        mine = known.model_copy(update={"claimer": mine.claimer, "until": mine.until})
    blank = Record(key, "plan", mine.model_dump(mode="json"))
    fresh = blank if record is None else replace(record, body=blank.body)
    try:
        store.commit(Put(fresh, ABSENT if record is None else replace_of(record)))
    except Conflict:
        return None  # another one was quicker
    spec_record = store.get(keys.spec(pk, issue.version)) if issue.version else None
    spec = None if spec_record is None else SpecRecord.model_validate(spec_record.body)
    heard = tuple(read_all(store, pk, "MESSAGE#"))
    adopted = next((talk for talk in before if _is_left(talk, issue, heard, now)), None)
    before = tuple(talk for talk in before if talk is not adopted)
    if adopted is not None:
        told = adopted.plan
        mine = mine.model_copy(update={"seen": told.seen, "brief": told.brief, "version": told.version})
    return Work(here, store, pk, mine, replace(fresh, version=fresh.version + 1), issue, before, spec, heard, adopted)


def _is_left(talk: Talk, issue: IssueState, heard: tuple[Record, ...], now: int) -> bool:
    """Whether a dead planner's work still is what is wanted: nothing was said and nothing was read since."""
    newest = heard[-1].key.sk if heard else ""
    same = talk.plan.seen == newest and talk.plan.brief == brief_key(issue) and talk.plan.version == issue.version
    return bool(talk.answered) and not talk.plan.done and talk.plan.until <= now and same


def brief_key(issue: IssueState) -> str:
    return (issue.survey.brief or "") if issue.survey is not None else ""


def _talks(store: SpillingStore, pk: str) -> list[Talk]:
    plans: dict[str, PlanState] = {}
    calls: dict[str, list[StepState]] = {}
    for record in read_all(store, pk, "PLAN#"):
        effect = record.key.sk.split("#")[1]
        if record.kind == "plan":
            plans[effect] = PlanState.model_validate(record.body)
        else:
            calls.setdefault(effect, []).append(StepState.model_validate(record.body))
    return [Talk(each, tuple(calls.get(effect, ()))) for effect, each in plans.items()]


def still_wanted(work: Work) -> Check | None:
    """What a question's hold depends on: nobody stopped this, nobody asked anew. None when that is not so any more."""
    record = work.store.get(keys.issue_state(work.pk))
    if record is None or not _waits_for(IssueState.model_validate(record.body), work.plan.effect):
        return None
    return Check(record.key, AtVersion(record.version))


def _waits_for(issue: IssueState, effect: str) -> bool:
    return issue.phase == "interviewing" and issue.planning == effect


def keep_claim(work: Work) -> bool:
    """Prolong the claim, with what was read noted in it; False when somebody else has it."""
    work.plan = work.plan.model_copy(update={"until": work.here.clock.now() + CLAIM_MS})
    record = replace(work.record, body=work.plan.model_dump(mode="json"))
    try:
        work.store.commit(Put(record, AtVersion(work.record.version)))
    except Conflict:
        return False
    work.record = replace(record, version=record.version + 1)
    return True


def settle_strays(work: Work) -> None:
    """Money that a dead planner held is settled before anything is asked."""

    ledger = keys.ask_ledger(work.pk)

    def slot_of(hold: str) -> Key | None:
        return None if hold.partition("/")[0] == work.home else slot_of_hold(ledger, hold)

    for _ in range(SWEEP_TRIES):
        try:
            sweep_ledger(work.store, work.here.clock, ledger, slot_of, "asking")
            return
        except Conflict:
            continue
