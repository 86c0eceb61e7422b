"""Shortening a conversation: a fresh start with a hand-over, and the fold of its middle. Both at step boundaries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from shared.agent import prompts
from shared.agent.data import clip, fence
from shared.agent.state import State, Work
from shared.agent.stuck import Restart, follow
from shared.agent.turns import Turn, size, user

KEPT_STEPS = 8


def begin_afresh(state: State) -> State:
    """The conversation from its head on, with what was done by the record instead of its steps."""
    text = prompts.HAND_OVER.format(why=prompts.PATTERNS[state.restart], work=work_text(state.work))
    return replace(
        _rebuilt(state, [user(text, answers_before=state.answers)], ()),
        memory=follow(state.memory, Restart(state.restart)),
        restart="",
        pending=(),
        invalid=0,
    )


def fold_middle(state: State, kept: int) -> State:
    """The conversation with all but its head and its last `kept` steps replaced by the record of what was done."""
    if kept < 1 or len(state.marks) <= kept:
        return state
    start = state.marks[-kept]
    tail = state.turns[start:]
    kept_answers = Counter(turn["purpose"] for turn in tail if turn["role"] == "assistant")
    gone = {purpose: count - kept_answers[purpose] for purpose, count in state.answers.items()}
    note = user(prompts.FOLDED.format(work=work_text(state.work)), answers_before=gone)
    return _rebuilt(state, [note, *tail], state.marks[-kept:])


def work_text(work: Work) -> str:
    """The record as lines. Commands and paths were chosen by the model, and output by the repository: they are data."""
    lines = []
    if work.files:
        lines.append("files written: " + ", ".join(work.files[-40:]))
    lines += [f"ran: {command} -> {end}" for command, end in work.commands]
    lines += [f"proof of {criterion}: {words}" for criterion, words in sorted(work.proofs.items())]
    record = fence(clip("\n".join(lines) or "nothing yet", 6_000), "the record")
    words = [prompts.SAID.format(by=said.by, text=said.text) for said in work.words]
    return "\n\n".join([record, *words])


def _rebuilt(state: State, turns: list[Turn], marks: tuple[int, ...]) -> State:
    """Head, the newest report of proof where it would be lost, then these turns. What was billed holds no more."""
    head = list(state.turns[: state.head])
    if state.report is not None and not any(turn is state.report for turn in [*head, *turns]):
        head.append(state.report)
    rebuilt = (*head, *turns)
    shift = len(rebuilt) - len(state.turns)
    total = sum(size(turn) for turn in rebuilt)
    return replace(state, turns=rebuilt, size=total, fresh=total, known=0, marks=tuple(mark + shift for mark in marks))
