"""One piece of the planner's work: who has it, and what it has read."""

from __future__ import annotations

from shared.domain.shape import Shape


class PlanState(Shape):
    """The body of a PLAN record. `until` (UTC ms): then the claimer is taken for dead. `seen` is the sort key of the last
    MESSAGE that went in, `brief` the blob key of the repository brief that did,
    `version` the newest version of the spec then.
    """

    effect: str
    claimer: str
    claimed_at: int
    until: int
    seen: str = ""
    brief: str = ""
    version: int = 0
    done: bool = False
