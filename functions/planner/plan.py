"""One piece of planning: claim it, ask (and have it repaired at most twice), answer with one inbound.

Every question's answer is stored before it is used. Who takes over from a dead planner goes on behind the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from functions.planner.answer import PlanReply, Unusable, Want, read_answer, to_planner_answer
from functions.planner.talk import opening_text, system_text, turns_of, wanted
from functions.planner.work import Work, brief_key, claim, keep_claim, settle_strays, still_wanted
from functions.world import World
from shared.agent import prompts
from shared.agent.data import clean
from shared.agent.turns import Turn, assistant, size, user
from shared.domain import keys
from shared.domain.chosen import chosen_model
from shared.domain.heard import Heard
from shared.domain.inbound import Inbound, PlannerAnswer
from shared.domain.money import dollars
from shared.domain.protocol import Reply
from shared.domain.record import ABSENT, ANY, AtVersion, Change, Put, Record
from shared.domain.step import Asking, StepState
from shared.errors import Final, NotConfigured
from shared.llm.gateway import Gateway
from shared.llm.slot import OUTPUT_MIN, Ask, Broke, Slot, Stored, Taken
from shared.llm.trouble import may_ask
from shared.ports import Answer, Conflict, Request
from shared.spill import SpillingStore

REPAIRS = 2
MAX_OUTPUT = 12_000
PATIENCE_S = 600.0
NOT_WANTED = "not_wanted"  # a `failed` that the conductor throws away with the rest; it tells what was spent


@dataclass(frozen=True, slots=True)
class Room:
    """Output tokens of the next question, thinking among them. `cut`: where the answer before was cut off, else 0."""

    most: int = MAX_OUTPUT
    cut: int = 0

    def after(self, outcome: StepState) -> Room:
        """Twice as much once an answer was cut off: what is left of the allowance bounds it."""
        cut = outcome.stop == "cut"
        return Room(self.most * 2 if cut else self.most, (outcome.billed.output or self.most) if cut else 0)


def plan(here: World, pk: str, effect: str) -> str:
    """Do the work of one `start_planner` effect; what came of it, in a word. Safe to call any number of times."""
    repository_id, number = keys.issue_of(pk)
    scope = f"{repository_id}/{number}"
    store = SpillingStore(here.store, here.blobs, scope, lambda: here.ids.ulid(here.clock.now()))
    work = claim(here, store, pk, effect)
    if work is None:
        return "taken"
    if still_wanted(work) is None:
        return _tell(work, None)
    settle_strays(work)
    want = wanted(work.issue, here.operator)
    try:
        answer = _converse(work, want)
    except NotConfigured as unknown:
        answer = PlannerAnswer(outcome="failed", failed="model", detail=f"{unknown} ({unknown.advice})"[:500])
    if answer.failed == NOT_WANTED and not work.spent:
        return _tell(work, None)
    return _tell(work, answer.model_copy(update={"spent_nano": work.spent}))


def _converse(work: Work, want: Want) -> PlannerAnswer:
    """The questions of this piece of work, each with what was wrong with the answer before. Raises UnknownPrice."""
    turns = list(turns_of(work.before))
    error, room = "", Room()
    for number in range(REPAIRS + 1):
        text = _again(error, room) if number else _told(work) or _opening(work, want)
        if not keep_claim(work):
            return PlannerAnswer(outcome="failed", failed="busy", detail="another planner took this work over")
        outcome = _ask(work, number, turns, text, room)
        if isinstance(outcome, PlannerAnswer):
            return outcome
        reply = outcome.reply
        assert reply is not None
        work.spent += outcome.billed.nano
        if outcome.asking is not None:
            work.model, work.outs = outcome.asking.model, outcome.asking.outs
        if reply.over:
            return PlannerAnswer(outcome="failed", failed=reply.cause or "model", detail=reply.why)
        assert outcome.asking is not None
        turns += [user(outcome.asking.note), assistant(reply.text, (), outcome.raw, "planner")]
        room = room.after(outcome)
        if room.cut:
            ended = _no_longer(work, room)
            if ended is not None:
                return ended
            continue
        try:
            answer = read_answer(reply.text, want, work.here.operator.questions_a_round)
        except Unusable as unusable:
            error = str(unusable)
            continue
        return _accepted(work, answer)
    if room.cut:
        detail = f"three answers in a row were cut off before they were whole, the last one at {room.cut} tokens"
        return PlannerAnswer(outcome="failed", failed="cut", detail=detail)
    detail = f"three answers in a row could not be used; the last one: {error}"
    return PlannerAnswer(outcome="failed", failed="invalid", detail=detail[:500])


def _no_longer(work: Work, room: Room) -> PlannerAnswer | None:
    """The end where the model itself has no more room that is worth a question: it would only be paid for again."""
    model = _next_model(work, work.model)
    longest = work.here.models.price(model, work.here.clock.now()).max_output
    if room.cut + OUTPUT_MIN <= longest:
        return None
    cut = f"the answer was cut off at {room.cut} tokens before it was whole"
    return PlannerAnswer(outcome="failed", failed="cut", detail=f"{cut}, and {model} gives {longest} at most")


def _next_model(work: Work, model: str) -> str:
    """Who is asked next: `model` where it may be asked still, else the first that may."""
    others = may_ask(chosen_model(work.issue, work.here.operator), work.here.operator)
    return model if model in others else others[0]


def _again(error: str, room: Room) -> str:
    """What the model hears of an answer that was of no use."""
    return prompts.PLAN_CUT.format(tokens=room.cut) if room.cut else prompts.PLAN_REPAIR.format(error=error)


def _accepted(work: Work, answer: PlanReply) -> PlannerAnswer:
    ids = [criterion.id for criterion in work.spec.spec.criteria] if work.spec is not None else []
    return to_planner_answer(answer, ids, work.spent)


def _told(work: Work) -> str:
    """The first question of this work as it was asked before a crash: what came later is for the next one."""
    record = work.store.get(keys.plan_call(work.pk, work.home, 0))
    asking = None if record is None else StepState.model_validate(record.body).asking
    return asking.note if asking is not None else ""


def _opening(work: Work, want: Want) -> str:
    """Everything new since the piece of work before; what was read is noted in the claim."""
    answered = [talk.plan for talk in work.before if talk.answered]
    last = max(answered, key=lambda each: each.claimed_at, default=None)
    seen = last.seen if last is not None else ""
    records = [record for record in work.heard if record.key.sk > seen]
    heard = [Heard.model_validate(record.body) for record in records]
    key = brief_key(work.issue)
    brief = None
    if key and (last is None or last.brief != key):
        try:
            brief = work.here.blobs.get(key).decode("utf-8", "replace")
        except Final as gone:
            brief = f"(it is gone: {gone})"
    newest = records[-1].key.sk if records else seen
    work.plan = work.plan.model_copy(update={"seen": newest, "brief": key, "version": work.issue.version})
    return opening_text(work.issue, want, heard, brief, work.spec, first=last is None)


def _ask(work: Work, number: int, turns: list[Turn], text: str, room: Room) -> StepState | PlannerAnswer:
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
        wanted_now = still_wanted(work)
        if wanted_now is None:
            return PlannerAnswer(outcome="failed", failed=NOT_WANTED, detail="nobody waits for it any more")
        waiting = gateway.wait(state)
        if waiting is None:
            note = state.asking.note if state.asking is not None else text
            asking = Asking(asker="", until=0, hold="", note=note, outs=work.outs)
            model = state.asking.model if state.asking is not None else work.model
            question = replace(_question(work, number, turns, asking, model, room), changes=(wanted_now,))
            try:
                outcome = gateway.ask(slot, state, record, question)
            except Conflict:
                continue
            match outcome:
                case Stored(state=stored):
                    return stored
                case Broke():
                    return _broke(outcome, room)
                case _:
                    waiting = outcome
        if waited > PATIENCE_S:
            break
        pause = min(waiting.ms / 1000, 5.0)
        waited += pause
        here.clock.wait(pause)
    return PlannerAnswer(outcome="failed", failed="busy", detail="the model's provider did not answer in ten minutes")


def _question(work: Work, number: int, turns: list[Turn], asking: Asking, model: str, room: Room) -> Ask:
    """`model` is the one that the question or the one before it was left with; empty for the first."""
    sent = (*turns, user(asking.note))
    operator = work.here.operator
    system = system_text(operator)
    others = may_ask(chosen_model(work.issue, operator), operator)
    request = Request(
        model=_next_model(work, model),
        system=system,
        tools=(),
        turns=sent,
        max_output=room.most,
        schema=PlanReply.model_json_schema(),
        purpose="planner",
    )
    total = sum(size(turn) for turn in sent) + len(system.encode())
    schema = len(str(request.schema).encode())

    def tell(_state: StepState) -> list[Change]:
        now = work.here.clock.now()
        inbound = Inbound(kind="planner", received=now, data={"provider": True})
        key = keys.inbound(work.pk, now, work.here.ids.ulid(now))
        return [Put(Record(key, "inbound", inbound.model_dump(mode="json"), due=now), ABSENT)]

    return Ask(
        request=request,
        bound=total + schema,
        sent=total,
        asking=asking,
        take=lambda answer: _take(number, answer),
        others=others,
        tell=tell,
        least_output=room.cut + OUTPUT_MIN if room.cut else OUTPUT_MIN,
    )


def _take(number: int, answer: Answer) -> Taken:
    text = clean(answer.text)
    if answer.stop == "refused":
        return Taken(Reply(step=number, text=text, over="gave_up", why="the model refused to answer", cause="refused"))
    return Taken(Reply(step=number, text=text))


def _broke(broke: Broke, room: Room) -> PlannerAnswer:
    if broke.missing:
        return PlannerAnswer(outcome="failed", failed="out_of_money", detail="no money for asking is set aside here")
    detail = f"the next question may cost {dollars(broke.asked_nano)}, {dollars(max(broke.left_nano, 0))} is left"
    if room.cut:
        detail = f"an answer was cut off at {room.cut} tokens and needs more: {detail}"
    return PlannerAnswer(outcome="failed", failed="out_of_money", detail=detail)


def _tell(work: Work, answer: PlannerAnswer | None) -> str:
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
