"""The planner's answer: questions, a spec, or a failure."""

from __future__ import annotations

from pydantic import ValidationError

from shared.domain.chosen import chosen_model
from shared.domain.inbound import PlannerAnswer
from shared.domain.messages import AskingUsedUp, Fault, ModelStopped
from shared.domain.money import dollars
from shared.domain.provider_words import OUT_CAUSES
from shared.domain.workflow.ceilings import give_asking_back
from shared.domain.workflow.halts import halt
from shared.domain.workflow.proposing import PLANNER_MS, post_questions, store_spec
from shared.domain.workflow.provider_out import wait_for_provider
from shared.domain.workflow.turn import Turn


def on_planner(turn: Turn) -> None:
    """Only while a plan is waited for: an answer that comes after `stop` is thrown away, and said so."""
    if turn.issue.phase != "interviewing":
        _throw_away(turn, f"the issue is {turn.issue.phase}")
        return
    if turn.inbound.data.get("provider"):
        turn.outcome = "shown: a provider's trouble"
        turn.deadline("planner", turn.now + PLANNER_MS)
        turn.show()
        return
    if not turn.issue.planning or turn.inbound.data.get("effect") != turn.issue.planning:
        _throw_away(turn, "it was asked again since")
        return
    turn.deadline("planner", None)
    turn.change(planning="")
    give_asking_back(turn)
    answer = PlannerAnswer.model_validate(turn.inbound.data.get("answer", {}))
    if answer.outcome != "failed":
        turn.change(provider_tries=0)
    match answer.outcome:
        case "questions" if not answer.questions:
            _failed(turn, "invalid", "it wanted to ask, and asked nothing")
        case "questions":
            post_questions(turn, answer)
        case "spec":
            try:
                store_spec(turn, answer)
            except ValidationError as error:
                _failed(turn, "invalid", f"the spec had {error.error_count()} faults")
            except (TypeError, ValueError) as error:
                _failed(turn, "invalid", f"the spec cannot be used: {error}")
        case "failed":
            _failed(turn, answer.failed, answer.detail)
    turn.show()


def _throw_away(turn: Turn, why: str) -> None:
    """What it cost is told, and counted where no newer ask has money set aside."""
    turn.outcome = f"thrown away: {why}"
    if turn.inbound.data.get("provider"):
        return
    if not turn.issue.planning:
        give_asking_back(turn)
    spent = PlannerAnswer.model_validate(turn.inbound.data.get("answer", {})).spent_nano
    if spent:
        turn.note("answer_dropped", text=dollars(spent))
        turn.wish("status", "status")


def _failed(turn: Turn, why: str, detail: str) -> None:
    operator = turn.view.operator
    spent = dollars(turn.ask.spent_nano) if turn.ask else "$0.00"
    line = f"{turn.command} resume"
    if why == "out_of_money":
        limit = dollars(turn.ask.limit_nano) if turn.ask else dollars(operator.asking_nano)
        message = AskingUsedUp(to=turn.decider, spent=spent, limit=limit)
        halt(turn, "waiting", "asking_used_up", detail=detail, line=line, message=message)
        return
    if why == "fault":
        fault = Fault(to=turn.decider, number=detail[:40], step=0, spent=spent, line=line)
        halt(turn, "waiting", "fault", detail=detail, line=line, message=fault)
        return
    model = chosen_model(turn.issue, operator)
    other = operator.instead_of(model)
    words = ModelStopped(
        to=turn.decider,
        model=operator.shown(model),
        why=why or "invalid",
        detail=detail[:500],
        spent=spent,
        line=line,
        other=f"{turn.command} model {other}" if other else "",
        again=why in OUT_CAUSES,
    )
    if why in OUT_CAUSES and wait_for_provider(turn, why, detail, words, answers=0, job=None):
        return
    words = words.model_copy(update={"again": False})
    halt(turn, "waiting", "model_stopped", detail=detail[:200], line=line, message=words)
