"""Private parts of a conversation that their own provider does not take back are left out, and it is asked once more.

Signatures and encrypted reasoning hold for one organisation and one kind of model. After a change of the key, say, every
further request would be refused, although all that counts stands in the texts and calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.llm.provider_errors import PRIVATE
from shared.ports import Answer, Model, ModelFailed, Request


class Forgiving:
    """A model that is asked without private parts where it refuses them. The first request was refused, so not billed."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        try:
            return self._model.ask(request, deadline_s, alive)
        except ModelFailed as failed:
            if failed.cause != PRIVATE or not any(turn.get("raw") for turn in request.turns):
                raise
        alive()
        return self._model.ask(replace(request, turns=tuple(map(_told, request.turns))), deadline_s, alive)


def _told(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """The turn by its text and calls alone."""
    return {**turn, "raw": None} if turn.get("raw") else turn
