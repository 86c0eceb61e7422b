"""Holds that nobody will settle: their asker died, and nobody asks for that slot again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.domain import keys
from shared.domain.ledger import Ledger, settle_lost
from shared.domain.record import Key, Put, replace_of
from shared.domain.step import StepState
from shared.ports import Clock, Store


def sweep_ledger(store: Store, clock: Clock, ledger_key: Key, slot_of: Callable[[str], Key | None], part: str) -> int:
    """Settle every hold in full whose asker is past its time; how much that was (nano-dollars).

    `slot_of` finds the slot from a hold's name. A live asker keeps its hold. Raises Conflict (again).
    """
    record = store.get(ledger_key)
    if record is None:
        return 0
    before = ledger = Ledger.model_validate(record.body)
    for hold in before.holds:
        if _is_dead(store, clock, slot_of(hold), hold):
            ledger = settle_lost(ledger, hold, part)
    if ledger != before:
        due = record.due if ledger.holds else None
        store.commit(Put(replace(record, body=ledger.model_dump(mode="json"), due=due), replace_of(record)))
    return ledger.lost_nano - before.lost_nano


def slot_of_hold(ledger_key: Key, hold: str) -> Key | None:
    """The slot that a hold belongs to: `<job>/<step>/<attempt>` in an approval's ledger, `<effect>/<call>/<attempt>` in
    the asking one.
    """
    match hold.split("/"):
        case [owner, number, _] if number.isdigit():
            if ledger_key.sk == keys.ASK_LEDGER:
                return keys.plan_call(ledger_key.pk, owner, int(number))
            return keys.step(owner, int(number))
        case _:
            return None


def _is_dead(store: Store, clock: Clock, slot: Key | None, hold: str) -> bool:
    record = None if slot is None else store.get(slot)
    if record is None:
        return False
    state = StepState.model_validate(record.body)
    return state.asking is not None and state.asking.hold == hold and state.asking.until <= clock.now()
