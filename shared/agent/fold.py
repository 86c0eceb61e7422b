"""From stored steps to a conversation. The same steps give the same bytes, whoever folds them and however often.

begin or join  ->  (open_step -> close_step) for every step  ->  open_step for the one to be asked
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.agent import prompts
from shared.agent.data import clip, fence, plain
from shared.agent.history import begin_afresh, fold_middle
from shared.agent.replies import GIVING_UP, REPAIRS_MAX
from shared.agent.state import State, Work
from shared.agent.stuck import GiveUp, Memory, Nudge, Restart, WrapUp, follow, look, remember
from shared.agent.task import joining_text, task_text
from shared.agent.turns import Turn, assistant, size, tool, user
from shared.domain.job import JobState
from shared.domain.protocol import CallResult
from shared.domain.spec import Spec
from shared.domain.step import AskedCall, Asking, StepState

COMMANDS_KEPT = 12
WORDS_KEPT = 5


def begin(job: JobState, spec: Spec) -> State:
    """The conversation of a job that continues no other one, before its first step."""
    state = _with(State(purpose=job.kind), user(task_text(job, spec)))
    return replace(state, criteria=_machine_checked(spec), version=spec.version)


def join(state: State, job: JobState, spec: Spec) -> State:
    """The next job's conversation: the earlier one's, and one message with the evidence."""
    texts = [joining_text(job)]
    if spec.version != state.version:
        texts.insert(0, prompts.NEW_SPEC.format(task=task_text(job, spec)))
    report = user("\n\n".join(texts), evidence=bool(job.message))
    fresh = replace(
        state,
        purpose=job.kind,
        criteria=_machine_checked(spec),
        version=spec.version,
        report=report,
        pending=(),
        restart="",
        memory=Memory(),
        invalid=0,
        launch=None,
        wrap_up=False,
        over=None,
    )
    return _with(fresh, report)


def fold(state: State, steps: Iterable[StepState]) -> State:
    """The conversation after these steps, each of them with its reply."""
    for step in steps:
        state = close_step(open_step(state, step.asking), step)
    return state


def open_step(state: State, asking: Asking | None) -> State:
    """The conversation as it was sent for a step: what was pending, and what that ask took in."""
    if asking is None:
        return state
    if asking.folded is not None:
        state = fold_middle(state, asking.folded)
    if state.restart:
        state = begin_afresh(state)
    mark = len(state.turns)
    texts = [*state.pending]
    if asking.note:
        texts.append(asking.note)
    texts += [prompts.SAID.format(by=said.by, text=said.text) for said in asking.messages]
    if asking.wrap_up and not state.wrap_up:
        texts.append(prompts.WRAP_UP)
    state = replace(
        state,
        pending=(),
        marks=(*state.marks, mark),
        launch=asking.launch,
        wrap_up=state.wrap_up or asking.wrap_up,
        work=replace(state.work, words=(*state.work.words, *asking.messages)[-WORDS_KEPT:]),
    )
    if texts:
        state = _with(state, user("\n\n".join(texts)))
    return state if state.answers else replace(state, head=len(state.turns))


def close_step(state: State, step: StepState) -> State:
    """The conversation after a step's answer and the results of its calls."""
    if step.reply is None or step.raw is None:
        return state  # never asked: the control plane ended the job in the model's stead
    turn = assistant(step.reply.text, step.calls, step.raw, state.purpose)
    asked_of = step.asking.model if step.asking else ""
    answers = {**state.answers, state.purpose: state.answers.get(state.purpose, 0) + 1}
    state = replace(_with(state, turn), answers=answers, model=asked_of)
    if step.billed.input:
        state = replace(state, known=step.billed.input, fresh=size(turn))
    results = {result.call: result for result in step.results or ()}
    if step.calls:
        state = _with(state, tool([_shown(call, results.get(call.name), step) for call in step.calls]))
    invalid = all(call.error for call in step.calls) and bool(step.calls)
    state = replace(
        state,
        invalid=state.invalid + 1 if invalid else 0 if step.calls else state.invalid,
        memory=remember(state.memory, step.calls, results, changed=step.changed),
        work=_recorded(state.work, step.calls, results),
    )
    if not step.calls:
        state = replace(state, pending=(_NO_CALL.get(step.stop, prompts.SILENT),))
    if state.invalid > REPAIRS_MAX:
        return replace(state, over=(GIVING_UP, "invalid"))
    return _advised(state)


_NO_CALL = {"cut": prompts.CUT, "garbled": prompts.GARBLED}  # by why an answer without a call ended


def _advised(state: State) -> State:
    advice = look(state.memory)
    match advice:
        case None:
            return state
        case Nudge(pattern):
            said = (prompts.NUDGES[pattern],) if pattern == "silent" else (*state.pending, prompts.NUDGES[pattern])
            return replace(state, memory=follow(state.memory, advice), pending=said)
        case Restart(pattern):
            return replace(state, restart=pattern)
        case WrapUp():
            return replace(state, memory=follow(state.memory, advice), pending=(*state.pending, prompts.WRAP_UP))
        case GiveUp():
            return replace(state, over=(prompts.GAVE_UP_STUCK, "stuck"))


def _shown(call: AskedCall, result: CallResult | None, step: StepState) -> dict[str, str]:
    """One result for the model: our own words as they are, everything from the machine as data."""
    shown = {"id": call.id, "tool": call.tool}
    if call.error:
        return shown | {"status": "error", "text": call.error}
    if call.tool == "finish" and (result is None or result.status == "ok"):
        return shown | {"status": "ok", "text": prompts.HANDED_OVER}
    if result is None:
        return shown | {"status": "interrupted", "text": prompts.NO_RESULT}
    if result.status == "interrupted" and not result.text:
        return shown | {"status": "interrupted", "text": _how(result)}
    facts = [f"exit {result.exit}"] if result.exit is not None else []
    if result.artifact or result.bytes > len(result.text.encode()):
        facts.append(f"{result.bytes} bytes in all")
    what = ", ".join([f"output of {call.tool}", *facts])
    return shown | {"status": result.status, "text": fence(clip(plain(result.text)), what)}


def _how(result: CallResult) -> str:
    return prompts.HOW_INTERRUPTED.get(str(result.data.get("how", "")), prompts.INTERRUPTED)


def _recorded(work: Work, calls: Iterable[AskedCall], results: dict[str, CallResult]) -> Work:
    for call in calls:
        result = results.get(call.name)
        if result is None or call.error:
            continue
        end = f"exit {result.exit}" if result.exit is not None else result.status
        match call.tool:
            case "edit" | "write" if result.status == "ok":
                path = str(call.args.get("path", ""))
                work = replace(work, files=(*(each for each in work.files if each != path), path))
            case "bash":
                ran = " ".join(str(call.args.get("command", "")).split())[:160]
                work = replace(work, commands=(*work.commands, (ran, end))[-COMMANDS_KEPT:])
            case "prove":
                criterion = str(call.args.get("criterion", ""))
                held = result.data.get("passed")
                words = end if held is None else "held" if held else "did not hold"
                work = replace(work, proofs={**work.proofs, criterion: words})
            case _:
                continue
    return work


def _machine_checked(spec: Spec) -> tuple[str, ...]:
    return tuple(criterion.id for criterion in spec.criteria)


def _with(state: State, turn: Turn) -> State:
    added = size(turn)
    return replace(state, turns=(*state.turns, turn), size=state.size + added, fresh=state.fresh + added)
