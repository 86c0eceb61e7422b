"""What is known of an agent's conversation after some steps: the result of the fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.agent.stuck import Memory
from shared.agent.turns import Turn
from shared.domain.step import Said


@dataclass(frozen=True, slots=True)
class Work:
    """The record of what was done, for a hand-over: never what the model says that it did."""

    files: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()  # the last ones, with how they ended
    proofs: Mapping[str, str] = field(default_factory=dict)
    words: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """`turns` is what the next request holds. `known` are the input tokens of the last answer's request as they were
    billed, `fresh` the bytes that came after it, `size` the bytes of all turns.

    `head` counts the turns before the first answer, `marks` where each step begins, `answers` all answers ever, by
    purpose.
    `pending` are texts for the next ask, `restart` the pattern because of which it begins afresh. `over` says in words
    and by name why the model is not asked again.
    """

    turns: tuple[Turn, ...] = ()
    size: int = 0
    fresh: int = 0
    known: int = 0
    model: str = ""
    head: int = 0
    marks: tuple[int, ...] = ()
    purpose: str = "build"
    answers: Mapping[str, int] = field(default_factory=dict)
    criteria: tuple[str, ...] = ()
    version: int = 0
    report: Turn | None = None
    pending: tuple[str, ...] = ()
    restart: str = ""
    memory: Memory = field(default_factory=Memory)
    invalid: int = 0
    work: Work = field(default_factory=Work)
    launch: int | None = None
    wrap_up: bool = False
    over: tuple[str, str] | None = None


def bound_input(state: State, standing: int, model: str) -> int:
    """The most input tokens that a request of this state can have. `standing`: bytes of system text and tools.

    Every byte-level tokenizer makes at most one token of a byte, so what was billed last plus the bytes that came
    after it is a true bound; without a bill of the same model all bytes count.
    """
    if state.known and state.model == model:
        return state.known + state.fresh
    return standing + state.size
