"""Questions to a model, its answers as turns, and the scripted provider in each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.model_server.server import KEY, Desk, ModelServer
from local.scripted_model import read_script
from shared.agent import turns
from shared.agent.tools import SCHEMAS
from shared.domain.step import AskedCall
from shared.llm.access import Access
from shared.llm.providers import PROVIDERS, open_model
from shared.ports import Answer, Model, Request, ToolCall

__all__ = ["IMPATIENT_S", "PROVIDERS", "SILENCES_S", "ask", "desk_of", "open_here", "question", "said", "used"]
SILENCES_S = (1.5, 15, 60)
"""How long a provider is silent where that is too long for `IMPATIENT_S`; a machine that sleeps through one meets the next."""
IMPATIENT_S = 0.5
SYSTEM = "You build what the spec says."
OPENING = turns.user("Build it, please. naïve — 🦀\u2028end")


def desk_of(*lines: dict[str, Any]) -> Desk:
    return Desk(read_script([json.dumps({"for": "build"} | line) for line in lines], "talk.jsonl"))


def open_here(
    server: ModelServer, provider: str, *, key: str = KEY, model: str = "scripted-1", silent_s: float = 120
) -> Model:
    return open_model(f"{provider}:{model}", Access(key, server.base_url(provider), connect_s=60, silent_s=silent_s))


def question(*more: turns.Turn, schema: dict[str, Any] | None = None, purpose: str = "build") -> Request:
    return Request(
        model="",
        system=SYSTEM,
        tools=() if schema else SCHEMAS,
        turns=(OPENING, *more),
        max_output=1000,
        schema=schema,
        purpose=purpose,
    )


def ask(model: Model, request: Request, alive: Callable[[], None] = lambda: None, deadline_s: float = 300) -> Answer:
    return model.ask(request, deadline_s, alive)


def said(answer: Answer) -> turns.Turn:
    """The answer as it is recorded and rendered again."""
    asked = [
        AskedCall(id=call.id, name=str(place), tool=call.tool, args=dict(call.args), malformed=call.malformed)
        for place, call in enumerate(answer.calls)
    ]
    stored = json.loads(json.dumps(dict(answer.raw)))
    return turns.assistant(answer.text, asked, stored, "build")


def used(calls: tuple[ToolCall, ...], text: str = "done") -> turns.Turn:
    return turns.tool([{"id": call.id, "tool": call.tool, "status": "ok", "text": text} for call in calls])
