"""`/persevere model NAME`: another model from the next job on; where the model was what stopped it, it goes on at once."""

from __future__ import annotations

from shared.domain.chosen import nearest_model
from shared.domain.commands.command import Command, Given
from shared.domain.commands.resume import refuse_funds, resume
from shared.domain.messages import ModelUnknown
from shared.domain.people import Role
from shared.domain.view import View
from shared.domain.workflow.proposing import plan_on
from shared.domain.workflow.provider_out import REASON
from shared.domain.workflow.turn import Turn

STOPPED_BY_IT = frozenset({"model_stopped", REASON})  # the halts that another model ends


def _run(turn: Turn, given: Given) -> None:
    operator, name = turn.view.operator, given.arguments.strip("`. ")
    if name not in operator.models:
        meant = nearest_model(name, operator) if name else ""
        line = f"{turn.command} model {meant}" if meant else ""
        turn.reply(ModelUnknown(word=name[:80], line=line, known=operator.models[:12]))
        turn.outcome = "refused: no such model here"
        return
    issue = turn.issue
    stuck = issue.phase == "waiting" and issue.waiting is not None and issue.waiting.reason in STOPPED_BY_IT
    turn.change(model=name)
    if stuck and issue.approval is not None and refuse_funds(turn, "model"):
        return
    turn.react("rocket")
    turn.event("command", f"{turn.sender.login}: {name} from the next job on")
    if stuck and issue.approval is not None:
        resume(turn, "")
    elif stuck:
        turn.move("interviewing")
        plan_on(turn)
    turn.note("model_chosen", who=turn.sender.login, text=name)
    if issue.started:
        turn.show()


def _offer(view: View) -> tuple[str, str] | None:
    waiting, operator = view.issue.waiting, view.operator
    other = operator.instead_of(view.build.model if view.build is not None else operator.model)
    if other and view.issue.phase == "waiting" and waiting is not None and waiting.reason in STOPPED_BY_IT:
        return f"model {other}", "goes on with that model"
    return None


COMMAND = Command(
    verb="model",
    usage="model <name>",
    summary="another model from the next job on",
    role=Role.WRITE,
    run=_run,
    examples=("model openai:gpt-6.1-sol",),
    offer=_offer,
)
