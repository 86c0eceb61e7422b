"""Every question to a model goes through here: reserve, ask, store, settle.

    1  one transaction: hold the worst case in the ledger, write `asking` into the slot     (money is never spent unheld)
    2  ask the provider; while bytes stream, `asking.until` is moved on
    3  one transaction: store the answer in the slot, settle the hold                       (no paid answer gets lost)

Who dies between 1 and 3 leaves a hold. When `until` has passed, the next asker settles it in full ("lost to a crash")
and asks again. Who comes while another one asks gets `Wait`. So `until` never passes while an asker still listens: it
follows from how long a provider may be silent before it is cut off, and is moved far enough for the longest silence
(80 s; the 45 s of the contract are less than the silence of 60 s, and a live answer would be paid for twice).

A provider that is busy or will not answer is dealt with by the table of `trouble.py`: waited for, done without, or the
end. Which model is to be asked next stands in the slot, so whoever asks next prepares the question for that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.domain.ledger import Ledger, OutOfMoney, count_tokens, reserve, settle, settle_lost
from shared.domain.protocol import Reply
from shared.domain.record import Change, Put, Record, replace_of
from shared.domain.step import Asking, Billed, StepState
from shared.errors import Final, Retryable
from shared.llm.models import Models
from shared.llm.prices import Price
from shared.llm.slot import Ask, Broke, Slot, Stored, Wait
from shared.llm.time_outs import CONNECT_S, SILENT_S
from shared.llm.trouble import SHORTER_MAX, Over, back, put_off, way_of, without, worth_telling
from shared.ports import Answer, Clock, Conflict, Ids, ModelBusy, Store, Usage

STRAY_MS = 120_000  # a hold that is older is looked at by the watchdog, now and then until it is settled
MARGIN_MS = 5_000  # of a clock, a name's look-up, a write to the store
MOVE_EVERY_MS = 15_000
STREAMING_MS = int(SILENT_S * 1000) + MOVE_EVERY_MS + MARGIN_MS  # how far `until` is moved while bytes come
FIRST_BYTES_MS = int(CONNECT_S * 1000) + STREAMING_MS  # a question that is put twice within a move's interval included
DEADLINE_S = 480.0  # of one call, however busily it streams
LOST_MAX = 5  # answers of one slot that never came
LOST_PATIENCE = 2  # of them, where another model can go on: each may have been billed
STORE_TRIES = 200
CARRIED = ("busy", "busy_since", "busy_tries", "outs", "told_at", "shortened")  # from one attempt of a slot to the next


@dataclass(slots=True)
class _Opened:
    """An ask under way: the slot and the ledger as this asker wrote them last."""

    slot: Slot
    ask: Ask
    price: Price
    state: StepState
    record: Record
    ledger: Record | None
    held: int

    @property
    def asking(self) -> Asking:
        assert self.state.asking is not None
        return self.state.asking


class Gateway:
    """Asks models on behalf of slots. `store` packs long texts away itself (`shared/spill.py`)."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, models: Models) -> None:
        self._store, self._clock, self._ids, self._models = store, clock, ids, models

    def wait(self, state: StepState) -> Wait | None:
        """How long to leave the slot's asker alone; None when nobody asks, or the asker is dead."""
        if state.asking is None or state.reply is not None:
            return None
        left = state.asking.until - self._clock.now()
        return Wait(min(max(left, 200), 1_000), idle=bool(state.asking.busy_since)) if left > 0 else None

    def ask(self, slot: Slot, state: StepState, record: Record, ask: Ask) -> Stored | Wait | Broke:
        """Ask and store. `state` is the slot's body as read, `record` its record (version 0: there is none yet).

        Raises Conflict when the slot, the ledger or one of the ask's changes is not what it was: read all of it again,
        then call again. Raises UnknownPrice before anything is written.
        """
        price = self._models.price(ask.request.model, self._clock.now())
        ledger_record = self._store.get(slot.ledger)
        if ledger_record is None:
            return Broke(0, 0, missing=True)
        before = Ledger.model_validate(ledger_record.body)
        asking, ledger = self._take_over(slot, state, before, ask)
        if asking.hold in ledger.holds:
            raise Conflict(())  # somebody took the slot over between the two reads
        if asking.lost > LOST_MAX:
            ended = _ended(state, "no answer of the model came through", "busy")
            self._commit(_put(record, ended), _put_ledger(ledger_record, ledger, self._clock.now()), *ask.changes)
            return Stored(ended, _written(record, ended))
        left = ledger.left_nano if slot.from_kept else ledger.building_nano
        output = min(ask.request.max_output, price.max_output, price.affordable_output(ask.bound, left))
        least = min(ask.least_output, price.max_output)
        if output < least:
            held: Ledger | OutOfMoney = OutOfMoney(price.worst(ask.bound, least), left)
        else:
            held = reserve(ledger, asking.hold, price.worst(ask.bound, output), from_kept=slot.from_kept)
        if isinstance(held, OutOfMoney):
            if ledger != before:
                self._commit(_put_ledger(ledger_record, ledger, self._clock.now()))
            return Broke(held.asked_nano, held.left_nano)
        opened = state.model_copy(update={"asking": asking})
        self._commit(_put(record, opened), _put_ledger(ledger_record, held, self._clock.now()), *ask.changes)
        request = replace(ask.request, max_output=output)
        return self._speak(
            _Opened(
                slot,
                replace(ask, request=request),
                price,
                opened,
                _written(record, opened),
                replace(ledger_record, body=held.model_dump(mode="json"), version=ledger_record.version + 1),
                held.holds[asking.hold],
            )
        )

    def _take_over(self, slot: Slot, state: StepState, ledger: Ledger, ask: Ask) -> tuple[Asking, Ledger]:
        """The new asking, and the ledger with the hold of a dead asker settled in full."""
        attempt, lost = 1, 0
        if state.asking is not None:
            attempt, lost = state.asking.attempt + 1, state.asking.lost
            if state.asking.hold in ledger.holds:
                ledger, lost = settle_lost(ledger, state.asking.hold, slot.part), lost + 1
        now = self._clock.now()
        mine = {
            "asker": self._ids.ulid(now),
            "until": now + FIRST_BYTES_MS,
            "hold": f"{slot.name}/{attempt}",
            "attempt": attempt,
            "lost": lost,
            "model": ask.request.model,
        }
        if state.asking is not None:
            mine |= {name: getattr(state.asking, name) for name in CARRIED}
        return ask.asking.model_copy(update=mine), ledger

    def _speak(self, opened: _Opened) -> Stored | Wait:
        moved = self._clock.now()

        def alive() -> None:
            nonlocal moved
            if self._clock.now() - moved >= MOVE_EVERY_MS:
                moved = self._clock.now()
                self._move(opened)

        request = opened.ask.request
        try:
            answer = self._models.get(request.model).ask(request, DEADLINE_S, alive)
        except ModelBusy as busy:
            return self._put_off(opened, busy)
        except Final as failed:  # ModelFailed, or a model that is not set up here
            return self._failed(opened, failed)
        except Retryable:
            return self._give_way(opened)
        nano = opened.held
        if _is_bill(answer.usage):
            nano = max(opened.price.cost(answer.usage), opened.price.least(opened.ask.sent, _bytes_of(answer)))
            nano = min(nano, opened.held)
        taken = opened.ask.take(answer)
        billed = _billed(answer.usage, opened, nano)
        closed = {
            "asking": back(opened.asking),
            "reply": taken.reply,
            "calls": taken.calls,
            "raw": dict(answer.raw),
            "stop": answer.stop,
            "billed": billed,
        }
        return self._store_answer(opened, opened.state.model_copy(update=closed), nano)

    def _store_answer(self, opened: _Opened, closed: StepState, nano: int) -> Stored | Wait:
        """Store and settle, whatever else moves the ledger meanwhile. An asker that was given up stores nothing."""
        for _ in range(STORE_TRIES):
            if opened.ledger is None:
                found = self._store.get(opened.slot.key)
                opened.ledger = self._store.get(opened.slot.ledger)
                assert found is not None
                assert opened.ledger is not None
                state = StepState.model_validate(found.body)
                if state.reply is not None:
                    return Stored(state, found)
                if state.asking is None or state.asking.asker != opened.asking.asker:
                    return Wait(1_000)
                opened.record = found
            ledger = Ledger.model_validate(opened.ledger.body)
            settled = settle(ledger, opened.asking.hold, nano, opened.slot.part)
            if closed.raw is not None:
                settled = count_tokens(settled, closed.billed.input, closed.billed.cached)
            spent = settled.spent_nano - ledger.spent_nano
            try:
                self._commit(
                    _put(opened.record, closed),
                    _put_ledger(opened.ledger, settled, self._clock.now()),
                    *opened.ask.note(closed, spent),
                )
            except Conflict:
                opened.ledger = None
                continue
            return Stored(closed, _written(opened.record, closed))
        raise Retryable(f"the ledger {opened.slot.ledger.sk} is too busy to store an answer")

    def _put_off(self, opened: _Opened, busy: ModelBusy) -> Stored | Wait:
        """Nothing was billed: give the hold back, and let nobody ask before the provider wants it."""
        now = self._clock.now()
        then = put_off(opened.asking, busy, opened.ask.others, now)
        return self._follow(opened, then, str(busy))

    def _failed(self, opened: _Opened, failed: Final) -> Stored | Wait:
        """Nothing was billed, and the same question will not be answered by this model."""
        cause, now = getattr(failed, "cause", "model"), self._clock.now()
        why = f"{failed} ({failed.advice})" if failed.advice else str(failed)
        match way_of(cause):
            case "shorter" if opened.ask.may_shorten and opened.asking.shortened < SHORTER_MAX:
                update = {"shortened": opened.asking.shortened + 1, "until": now}
                return self._follow(opened, opened.asking.model_copy(update=update), why)
            case "again" | "other" | "shorter":
                return self._follow(opened, without(opened.asking, cause, opened.ask.others, now), why)
            case _:
                return self._store_answer(opened, _ended(opened.state, why, cause), 0)

    def _follow(self, opened: _Opened, then: Asking | Over, why: str) -> Stored | Wait:
        """Write what follows, with the hold given back; people are told where it is worth a line."""
        if isinstance(then, Over):
            tried = f"{why} (tried: {then.why})" if len(opened.asking.outs) else why
            return self._store_answer(opened, _ended(opened.state, tried, then.cause), 0)
        now, note = self._clock.now(), opened.ask.tell
        if worth_telling(opened.asking, then, now):
            then = then.model_copy(update={"told_at": now})
            opened.ask = replace(opened.ask, note=lambda state, _nano: note(state))
        else:
            opened.ask = replace(opened.ask, note=lambda _state, _nano: ())
        stored = self._store_answer(opened, opened.state.model_copy(update={"asking": then}), 0)
        if isinstance(stored, Stored) and stored.state.reply is not None:
            return stored
        return Wait(max(then.until - now, 200), idle=bool(then.busy_since))

    def _give_way(self, opened: _Opened) -> Wait:
        """No answer will come, and it may have been billed: let the next asker settle the hold in full at once. A provider
        that hangs time and again is out like one that says so.
        """
        now = self._clock.now()
        asking = opened.asking.model_copy(update={"until": now})
        told: Sequence[Change] = ()
        if asking.lost + 1 >= LOST_PATIENCE:
            then = without(asking, "lost", opened.ask.others, now, passing=True)
            if isinstance(then, Asking) and then.model != asking.model and then.until <= now:
                asking = then.model_copy(update={"told_at": now})
                told = opened.ask.tell(opened.state.model_copy(update={"asking": asking}))
        self._rewrite(opened, asking, *told)
        return Wait(1_000)

    def _move(self, opened: _Opened) -> None:
        self._rewrite(opened, opened.asking.model_copy(update={"until": self._clock.now() + STREAMING_MS}))

    def _rewrite(self, opened: _Opened, asking: Asking, *told: Change) -> None:
        """Write the asking anew. Somebody who took over meanwhile is left alone: `_store_answer` will find that out."""
        state = opened.state.model_copy(update={"asking": asking})
        try:
            self._commit(_put(opened.record, state), *told)
        except Conflict:
            opened.ledger = None
            return
        opened.record = _written(opened.record, state)

    def _commit(self, *changes: Change) -> None:
        self._store.commit(*changes, token=self._ids.ulid(self._clock.now()))


def _put(record: Record, state: StepState) -> Put:
    return Put(replace(record, body=state.model_dump(mode="json")), replace_of(record))


def _put_ledger(record: Record, ledger: Ledger, now: int) -> Put:
    """While something is held the record is due: the watchdog settles holds whose asker died and is not replaced."""
    due = now + STRAY_MS if ledger.holds else None
    return Put(replace(record, body=ledger.model_dump(mode="json"), due=due), replace_of(record))


def _written(record: Record, state: StepState) -> Record:
    return replace(record, body=state.model_dump(mode="json"), version=record.version + 1)


def _ended(state: StepState, why: str, cause: str) -> StepState:
    """The control plane's own last word in the model's stead."""
    return state.model_copy(update={"reply": Reply(step=state.step, over="gave_up", why=why[:500], cause=cause)})


def _is_bill(usage: Usage) -> bool:
    """Where the provider does not say what it counted, or served it otherwise than it was asked, nobody knows: the hold
    counts in full.
    """
    return usage.reported and usage.priced and usage.input > 0 and min(usage.cached, usage.written, usage.output) >= 0


def _billed(usage: Usage, opened: _Opened, nano: int) -> Billed:
    """Tokens as they can be believed: less than was surely sent, or more than the model can take, is no count at all.

    The next request's bound begins at `input`: a garbled number must make it neither too low nor absurd.
    """
    whole = usage.input if opened.ask.sent // 16 <= usage.input <= opened.price.window else 0
    cached = min(max(usage.cached, 0), whole)
    return Billed(
        input=whole,
        cached=cached,
        written=min(max(usage.written, 0), whole - cached),
        output=min(max(usage.output, 0), opened.price.max_output),
        nano=nano,
    )


def _bytes_of(answer: Answer) -> int:
    said = [call.malformed if call.malformed is not None else json.dumps(dict(call.args)) for call in answer.calls]
    return len(answer.text.encode("utf-8", "replace")) + sum(len(each) for each in said)
