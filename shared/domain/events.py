"""Timeline events: what happened in a job, for the checks, `persevere events` and the record."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.domain.shape import Shape

EventKind = Literal[
    "command", "phase", "step", "tool", "money", "checkpoint", "interrupted", "effect", "verdict", "waiting", "ended"
]


class Event(Shape):
    """`title` is for people (<= 200 characters), `data` small facts (<= 4 KB), `artifact` a blob key."""

    v: int = 1
    at: int
    job: str
    phase: str
    kind: EventKind
    step: int | None = None
    title: str = Field(max_length=200)
    data: dict[str, Any] = Field(default_factory=dict)
    artifact: str | None = None
