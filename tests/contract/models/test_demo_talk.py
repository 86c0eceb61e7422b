"""The demo's conversation, question by question: through every provider it is what the scripted model says by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import local.demo
from functions.planner.answer import PlanReply
from local.model_server.server import Desk, ModelServer
from local.scripted_model import ScriptedModel
from shared.agent import prompts
from shared.agent.turns import Turn, user
from shared.ports import ModelFailed, Request
from tests.contract.models.desk import PROVIDERS, ask, open_here, question, said

TALK = Path(local.demo.__file__).parent / "conversation.jsonl"
REPORT = prompts.NEXT_ROUND.format(report="AC-1 proved\nAC-2 failed: differs")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_demo_s_conversation_comes_through(provider: str) -> None:
    script = ScriptedModel.load(TALK)
    with ModelServer(Desk(script.lines)) as server:
        model = open_here(server, provider)

        def both(request: Request) -> Turn:
            told, heard = script.ask(request, 10, lambda: None), ask(model, request)
            assert heard.text == told.text
            assert [(call.tool, call.args) for call in heard.calls] == [(call.tool, call.args) for call in told.calls]
            assert heard.stop == told.stop
            return said(heard) | {"purpose": request.purpose}

        planned: list[Turn] = []
        for _ in range(2):
            schema = PlanReply.model_json_schema()
            planned += [both(question(*planned, schema=schema, purpose="planner")), user("1c 2a 3a")]
        built: list[Turn] = []
        finishes = 0
        while finishes < 2:
            turn = both(question(*built))
            built += [turn, used_of(turn)]
            if any(call["tool"] == "finish" for call in turn["calls"]):
                finishes += 1
                built.append(user(REPORT, evidence=True))
        assert len(built) > 20
        with pytest.raises(ModelFailed, match="no further answer"):
            ask(model, question(*built))


def used_of(turn: Turn) -> Turn:
    results = [{"id": call["id"], "tool": call["tool"], "status": "ok", "text": "done"} for call in turn["calls"]]
    return {"role": "tool", "results": results}
