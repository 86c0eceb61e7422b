"""What a model is sent: standing text, tools and turns. Pure; nothing in it varies above the last message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.agent import prompts
from shared.agent.state import State, bound_input
from shared.agent.tools import SCHEMAS
from shared.agent.turns import Turn


@dataclass(frozen=True, slots=True)
class Rendered:
    """`bound` is the most input tokens that this can be."""

    system: str
    tools: tuple[Mapping[str, Any], ...]
    turns: tuple[Turn, ...]
    bound: int


STANDING = len(prompts.BUILD.encode()) + len(json.dumps(SCHEMAS).encode())


def render(state: State, model: str) -> Rendered:
    """The request of a state that `open_step` made."""
    return Rendered(prompts.BUILD, SCHEMAS, state.turns, bound_input(state, STANDING, model))


def must_fold(state: State, model: str, window: int, max_output: int) -> bool:
    """Whether the request could pass the model's window, so that the middle has to be folded first (tokens)."""
    return bound_input(state, STANDING, model) + max_output > window
