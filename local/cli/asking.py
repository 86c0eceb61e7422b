"""`persevere ask`: one question to a model, through the gateway, its ledger and the day's ceiling like every other."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

from local.cli.day import under_the_day
from local.clock import SystemClock
from local.home import open_store
from local.ids import SystemIds
from local.keyring import private_directory
from local.world import models_of, prices_of, providers_of
from shared.agent.turns import user
from shared.domain.ledger import Ledger
from shared.domain.money import NANO, dollars
from shared.domain.operator import Operator
from shared.domain.protocol import Reply
from shared.domain.record import ABSENT, Key, Put, Record
from shared.domain.step import Asking, StepState
from shared.errors import Final
from shared.llm.choice import check
from shared.llm.gateway import Gateway
from shared.llm.slot import Ask, Broke, Slot, Stored, Taken, Wait
from shared.ports import Answer, Request, Store
from shared.settings import read

ALLOWANCE_NANO = NANO // 4
"""What one question may hold; it usually costs a thousandth of it."""
OUTPUT_MAX = 4_000
SYSTEM = "Answer in plain text, briefly."
PATIENCE_S = 120.0


def ask(environment: Mapping[str, str], model: str, question: str, *, json_line: bool) -> None:
    """Print the answer, its tokens and its price. Raises NotConfigured (no key, no price), Final."""
    settings = read(environment)
    clock, ids = SystemClock(), SystemIds()
    check(model, providers_of(settings), prices_of(settings), clock.now())
    private_directory(settings.home)
    store = open_store(settings.home)
    now = clock.now()
    pk = f"ASK#{ids.ulid(now)}"
    ledger, slot_key = Key(pk, "LEDGER"), Key(pk, "ASKED")
    allowance = Ledger(limit_nano=ALLOWANCE_NANO, limit_seconds=0, kept_percent=0)
    # A kind of its own: no issue stands behind it, so the watchdog has nothing to settle there.
    store.commit(Put(Record(ledger, "ask_ledger", allowance.model_dump(mode="json")), ABSENT))
    gateway = Gateway(store, clock, ids, models_of(settings))
    slot = Slot(slot_key, "asked", ledger, "ask", "asking")
    request = Request(model, SYSTEM, (), (user(question),), OUTPUT_MAX, None, "planner")
    size = len(SYSTEM.encode()) + len(question.encode())
    what = Ask(request, size + 200, size, Asking(asker="", until=0, hold="", model=model), _take)
    with under_the_day(store, now, ledger, settings.ceilings.get("day_nano", Operator().day_nano)):
        state = _answered(gateway, store, slot, what)
    if state.reply is None or state.reply.over:
        raise Final(
            f"{model} did not answer: {state.reply.why if state.reply else ''}",
            "`persevere doctor` looks whether its provider takes the key",
        )
    _tell(model, state, json_line=json_line)


def _answered(gateway: Gateway, store: Store, slot: Slot, what: Ask) -> StepState:
    """Ask, and wait where the provider is busy. Raises Final when it stays so, or the price is above the allowance."""
    until, told = time.monotonic() + PATIENCE_S, False
    while True:
        record = store.get(slot.key) or Record(slot.key, slot.kind, StepState(step=0).model_dump(mode="json"))
        state = StepState.model_validate(record.body)
        found = gateway.wait(state) or gateway.ask(slot, state, record, what)
        match found:
            case Stored():
                return found.state
            case Broke():
                raise Final(
                    f"the question could cost more than {dollars(ALLOWANCE_NANO)}",
                    "ask a shorter one, or a cheaper model",
                )
            case Wait() if time.monotonic() > until:
                raise Final(
                    f"{what.request.model} is busy or cannot be reached",
                    "look at the network, or try again in some minutes; `persevere doctor` asks its provider",
                )
            case Wait():
                if not told:
                    sys.stderr.write(
                        f"  {what.request.model} is busy or cannot be reached; "
                        f"I ask again for {PATIENCE_S:.0f} s (Ctrl-C ends)\n"
                    )
                told = True
                time.sleep(found.ms / 1000)


def _take(answer: Answer) -> Taken:
    return Taken(Reply(step=0, text=answer.text))


def _tell(model: str, state: StepState, *, json_line: bool) -> None:
    billed, text = state.billed, state.reply.text if state.reply else ""
    cut = state.stop == "cut"
    if json_line:
        told = {
            "model": model,
            "answer": text,
            "tokens": {"input": billed.input, "cached": billed.cached, "output": billed.output},
            "cost": billed.nano / NANO,
            "cut": cut,
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    sys.stdout.write(f"{text.rstrip()}\n")
    if cut:
        sys.stderr.write(f"  It was cut off there: an answer may have {OUTPUT_MAX} tokens here, thinking among them.\n")
    sys.stderr.write(f"  {model}: {billed.input} tokens in, {billed.output} out, {_exact(billed.nano)}\n")


def _exact(nano: int) -> str:
    """A price below a cent is still a price."""
    return dollars(nano) if nano >= NANO // 100 else f"${nano / NANO:.6f}"
