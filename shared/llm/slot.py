"""What is asked, where its answer is kept, and how an ask can end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.domain.protocol import Reply
from shared.domain.record import Change, Key, Record
from shared.domain.step import AskedCall, Asking, StepState
from shared.ports import Answer, Request

OUTPUT_MIN = 2_000  # tokens; with less no useful answer fits


@dataclass(frozen=True, slots=True)
class Slot:
    """The record that an answer belongs to (a step of a job, a call of the planner), and what pays for it.

    `name` begins the names of its holds and is unique in the ledger; `part` is what the money is for; `from_kept` says
    whether the share kept for proof may be used.
    """

    key: Key
    kind: str
    ledger: Key
    name: str
    part: str
    from_kept: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What the record becomes once the model has answered."""

    reply: Reply
    calls: tuple[AskedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `request.max_output` is what is wanted; it is cut to what can be paid, and with less than
    `least_output` (tokens) it is not put.

    `bound` is the most input tokens that it can have, `sent` the bytes that it surely has. `asking` holds what was taken
    in for it. `changes` are written with the hold, all or nothing. `take` reads the answer; `note` makes the changes to
    be written with it (events), given the state and the nano-dollars that were settled.
    """

    request: Request
    bound: int
    sent: int
    asking: Asking
    take: Callable[[Answer], Taken]
    changes: Sequence[Change] = ()
    note: Callable[[StepState, int], Sequence[Change]] = lambda _state, _nano: ()
    others: Sequence[str] = ()
    tell: Callable[[StepState], Sequence[Change]] = lambda _state: ()
    may_shorten: bool = False
    least_output: int = OUTPUT_MIN


@dataclass(frozen=True, slots=True)
class Stored:
    """The slot has its answer. `record` is as it stands in the table."""

    state: StepState
    record: Record


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody is asking, or the provider is busy: come again in so many milliseconds. `idle`: no model can be asked
    meanwhile.
    """

    ms: int
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Broke:
    """Not enough is left for the smallest useful call. `missing`: there is no ledger at all."""

    asked_nano: int
    left_nano: int
    missing: bool = False
