"""What the first step of a build costs at least to reserve: a budget below a few of those comes to nothing."""

from __future__ import annotations

from shared.agent.render_request import STANDING
from shared.llm.prices import Price
from shared.llm.slot import OUTPUT_MIN

TASK_BYTES = 2_000  # a short spec


def smallest_step_nano(price: Price) -> int:
    """Nano-dollars of the worst case of the smallest useful call."""
    return price.worst(STANDING + TASK_BYTES, OUTPUT_MIN)
