"""What every request of a build carries before a word of the job: standing text and tools, at four characters a token."""

from __future__ import annotations

import json
from dataclasses import dataclass

from shared.agent import prompts
from shared.agent.tools import SCHEMAS

GOAL = 1_900
# Rendered prompts and tool schemas of others, measured in the same way.
PEERS = {"OpenHands SDK": 8_005, "mini-swe-agent": 1_210, "Gemini CLI": 9_877}


@dataclass(frozen=True, slots=True)
class Standing:
    """Tokens, as characters / 4."""

    build: int
    tools: int
    planner: int

    @property
    def total(self) -> int:
        return self.build + self.tools


def measure() -> Standing:
    return Standing(len(prompts.BUILD) // 4, len(json.dumps(SCHEMAS)) // 4, len(prompts.PLANNER) // 4)
