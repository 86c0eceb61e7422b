"""One piece of planning: claim it, ask (and have it repaired at most twice), answer with one inbound.

Every question's answer is stored before it is used. Who takes over from a dead planner goes on behind the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from functions.planner.answer import PlanReply, Unusable, Want, read_answer, to_planner_answer
from functions.planner.talk import Talk, opening_text, system_text, turns_of, wanted
from functions.world import World
from shared.agent import prompts
from shared.agent.data import clean
from shared.agent.turns import Turn, assistant, size, user
from shared.domain import keys
from shared.domain.heard import Heard
from shared.domain.inbound import Inbound, PlannerAnswer
from shared.domain.issue import IssueState
from shared.domain.money import dollars
from shared.domain.plan import PlanState
from shared.domain.protocol import Reply
from shared.domain.record import ABSENT, ANY, AtVersion, Key, Put, Record, replace_of
from shared.domain.spec import SpecRecord
from shared.domain.step import Asking, StepState
from shared.errors import Final, NotConfigured
from shared.llm.gateway import Gateway
from shared.llm.slot import Ask, Broke, Slot, Stored, Taken
from shared.llm.sweep import sweep_ledger
from shared.ports import Answer, Conflict, Request, read_all
from shared.spill import SpillingStore

CLAIM_MS = 9 * 60 * 1000  # longer than one question may take; prolonged before each
REPAIRS = 2
MAX_OUTPUT = 12_000
PATIENCE_S = 600.0
TRIES = 30


@dataclass(slots=True)
class _Work:
    """What this planner has in hand. `record` is its claim as it was written last.

    `adopted` is the work of a planner that died with an answer in its hand: it is gone on with under its own name, so
    that nothing is asked and paid for twice.
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

    @property
    def home(self) -> str:
        """The name under which the questions are kept."""
        return self.adopted.plan.effect if self.adopted is not None else self.plan.effect


def plan(here: World, pk: str, effect: str) -> str:
    """Do the work of one `start_planner` effect; what came of it, in a word. Safe to call any number of times."""
    repository_id, number = keys.issue_of(pk)
    scope = f"{repository_id}/{number}"
    store = SpillingStore(here.store, here.blobs, scope, lambda: here.ids.ulid(here.clock.now()))
    work = _claim(here, store, pk, effect)
    if work is None:
        return "taken"
    if work.issue.phase != "interviewing":
        return _tell(work, None)
    _sweep(work)
    want = wanted(work.issue, here.operator)
    try:
        answer = _converse(work, want)
    except NotConfigured as unknown:
        answer = PlannerAnswer(outcome="failed", failed="model", detail=f"{unknown} ({unknown.advice})"[:500])
    return _tell(work, answer.model_copy(update={"spent_nano": work.spent}))


def _claim(here: World, store: SpillingStore, pk: str, effect: str) -> _Work | None:
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
    return _Work(here, store, pk, mine, replace(fresh, version=fresh.version + 1), issue, before, spec, heard, adopted)


def _is_left(talk: Talk, issue: IssueState, heard: tuple[Record, ...], now: int) -> bool:
    """Whether a dead planner's work still is what is wanted: nothing was said and nothing was read since."""
    newest = heard[-1].key.sk if heard else ""
    same = talk.plan.seen == newest and talk.plan.brief == _brief_key(issue) and talk.plan.version == issue.version
    return bool(talk.answered) and not talk.plan.done and talk.plan.until <= now and same


def _brief_key(issue: IssueState) -> str:
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


def _sweep(work: _Work) -> None:
    """Money that a dead planner held is settled before anything is asked."""

    def slot_of(hold: str) -> Key | None:
        effect, _, rest = hold.partition("/")
        number = rest.partition("/")[0]
        return keys.plan_call(work.pk, effect, int(number)) if number.isdigit() and effect != work.home else None

    for _ in range(TRIES):
        try:
            sweep_ledger(work.store, work.here.clock, keys.ask_ledger(work.pk), slot_of, "asking")
            return
        except Conflict:
            continue


def _converse(work: _Work, want: Want) -> PlannerAnswer:
    """The questions of this piece of work, each with what was wrong with the answer before. Raises UnknownPrice."""
    turns = list(turns_of(work.before))
    error = ""
    for number in range(REPAIRS + 1):
        text = prompts.PLAN_REPAIR.format(error=error) if number else _opening(work, want)
        if not _keep_claim(work):
            return PlannerAnswer(outcome="failed", failed="busy", detail="another planner took this work over")
        outcome = _ask(work, number, turns, text)
        if isinstance(outcome, PlannerAnswer):
            return outcome
        reply = outcome.reply
        assert reply is not None
        work.spent += outcome.billed.nano
        if reply.over:
            return PlannerAnswer(outcome="failed", failed=reply.cause or "model", detail=reply.why)
        assert outcome.asking is not None
        turns += [user(outcome.asking.note), assistant(reply.text, (), outcome.raw, "planner")]
        try:
            answer = read_answer(reply.text, want, work.here.operator.questions_a_round)
        except Unusable as unusable:
            error = str(unusable)
            continue
        return _accepted(work, answer)
    detail = f"three answers in a row could not be used; the last one: {error}"
    return PlannerAnswer(outcome="failed", failed="invalid", detail=detail[:500])


def _accepted(work: _Work, answer: PlanReply) -> PlannerAnswer:
    ids = [criterion.id for criterion in work.spec.spec.criteria] if work.spec is not None else []
    return to_planner_answer(answer, ids, work.spent)


def _opening(work: _Work, want: Want) -> str:
    """Everything new since the piece of work before; what was read is noted in the claim."""
    answered = [talk.plan for talk in work.before if talk.answered]
    last = max(answered, key=lambda each: each.claimed_at, default=None)
    seen = last.seen if last is not None else ""
    records = [record for record in work.heard if record.key.sk > seen]
    heard = [Heard.model_validate(record.body) for record in records]
    key = _brief_key(work.issue)
    brief = None
    if key and (last is None or last.brief != key):
        try:
            brief = work.here.blobs.get(key).decode("utf-8", "replace")
        except Final as gone:
            brief = f"(it is gone: {gone})"
    newest = records[-1].key.sk if records else seen
    work.plan = work.plan.model_copy(update={"seen": newest, "brief": key, "version": work.issue.version})
    return opening_text(work.issue, want, heard, brief, work.spec, first=last is None)


def _keep_claim(work: _Work) -> bool:
    """Prolong the claim, with what was read noted in it; False when somebody else has it."""
    work.plan = work.plan.model_copy(update={"until": work.here.clock.now() + CLAIM_MS})
    record = replace(work.record, body=work.plan.model_dump(mode="json"))
    try:
        work.store.commit(Put(record, AtVersion(work.record.version)))
    except Conflict:
        return False
    work.record = replace(record, version=record.version + 1)
    return True


def _ask(work: _Work, number: int, turns: list[Turn], text: str) -> StepState | PlannerAnswer:
    """The stored answer to one question, or why there is none. What was asked before a crash is asked word for word."""
    here = work.here
    gateway = Gateway(work.store, here.clock, here.ids, here.models)
    slot = Slot(
        key=keys.plan_call(work.pk, work.home, number),
        kind="plan_call",
        ledger=keys.ask_ledger(work.pk),
        name=f"{work.home}/{number}",
        part="asking",
        from_kept=True,
    )
    waited = 0.0
    for _ in range(int(PATIENCE_S)):
        found = work.store.get(slot.key)
        record = found or Record(slot.key, slot.kind, StepState(step=number).model_dump(mode="json"))
        state = StepState.model_validate(record.body)
        if state.reply is not None:
            return state
        waiting = gateway.wait(state)
        if waiting is None:
            note = state.asking.note if state.asking is not None else text
            asking = Asking(asker="", until=0, hold="", note=note)
            try:
                outcome = gateway.ask(slot, state, record, _question(work, number, turns, asking))
            except Conflict:
                continue
            match outcome:
                case Stored(state=stored):
                    return stored
                case Broke():
                    return _broke(work, outcome)
                case _:
                    waiting = outcome
        if waited > PATIENCE_S:
            break
        pause = min(waiting.ms / 1000, 5.0)
        waited += pause
        here.clock.wait(pause)
    return PlannerAnswer(outcome="failed", failed="busy", detail="the model's provider did not answer in ten minutes")


def _question(work: _Work, number: int, turns: list[Turn], asking: Asking) -> Ask:
    sent = (*turns, user(asking.note))
    system = system_text(work.here.operator)
    request = Request(
        model=work.here.operator.model,
        system=system,
        tools=(),
        turns=sent,
        max_output=MAX_OUTPUT,
        schema=PlanReply.model_json_schema(),
        purpose="planner",
    )
    total = sum(size(turn) for turn in sent) + len(system.encode())
    schema = len(str(request.schema).encode())
    return Ask(
        request=request, bound=total + schema, sent=total, asking=asking, take=lambda answer: _take(number, answer)
    )


def _take(number: int, answer: Answer) -> Taken:
    text = clean(answer.text)
    if answer.stop == "refused":
        return Taken(Reply(step=number, text=text, over="gave_up", why="the model refused to answer", cause="refused"))
    return Taken(Reply(step=number, text=text))


def _broke(work: _Work, broke: Broke) -> PlannerAnswer:
    if broke.missing:
        return PlannerAnswer(outcome="failed", failed="out_of_money", detail="no money for asking is set aside here")
    detail = f"the next question may cost {dollars(broke.asked_nano)}, {dollars(max(broke.left_nano, 0))} is left"
    return PlannerAnswer(outcome="failed", failed="out_of_money", detail=detail)


def _tell(work: _Work, answer: PlannerAnswer | None) -> str:
    """One transaction: the work is done, and the conductor hears of it. Nobody who lost the claim says anything."""
    now = work.here.clock.now()
    done = work.plan.model_copy(update={"done": True})
    changes = [Put(replace(work.record, body=done.model_dump(mode="json")), AtVersion(work.record.version))]
    if work.adopted is not None:
        left = work.adopted.plan.model_copy(update={"done": True})
        changes.append(Put(Record(keys.plan(work.pk, left.effect), "plan", left.model_dump(mode="json")), ANY))
    if answer is not None:
        data = {"effect": work.plan.effect, "answer": answer.model_dump(mode="json")}
        inbound = Inbound(kind="planner", received=now, data=data)
        key = keys.inbound(work.pk, now, work.here.ids.ulid(now))
        changes.append(Put(Record(key, "inbound", inbound.model_dump(mode="json"), due=now), ABSENT))
    try:
        work.store.commit(*changes)
    except Conflict:
        return "lost"
    return answer.outcome if answer is not None else "not wanted"
