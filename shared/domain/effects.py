"""Effects: what shall happen outside, once. `decide` wishes them; `functions/effects` performs them.

*Once* effects carry their data and never change. *Level* effects are one lasting record a slot: a wish raises
`wanted`; they carry no text and are rendered from the table when performed, so the last state wins.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field

from shared.domain.shape import Shape

OnceKind = Literal["react", "comment", "branch", "commit", "pull", "start_task", "stop_task", "start_planner"]
LevelKind = Literal["status", "spec_comment", "hide", "checks", "pull_text", "labels"]
Kind = OnceKind | LevelKind

ONCE: frozenset[str] = frozenset(
    {"react", "comment", "branch", "commit", "pull", "start_task", "stop_task", "start_planner"}
)
LEVEL: frozenset[str] = frozenset({"status", "spec_comment", "hide", "checks", "pull_text", "labels"})

# Lower goes first: answers to people, then machines, then the status, then checks.
PRIORITY: dict[str, int] = {
    "react": 0,
    "stop_task": 0,
    "comment": 1,
    "spec_comment": 1,
    "start_task": 1,
    "start_planner": 1,
    "branch": 2,
    "commit": 2,
    "pull": 2,
    "status": 3,
    "pull_text": 3,
    "checks": 4,
    "labels": 5,
    "hide": 6,
}

NOTIFYING: frozenset[str] = frozenset({"comment", "spec_comment", "pull"})

CLAIM_S = 75  # longer than the function's hard time-out, so that no zombie outlives its claim
FUNCTION_TIMEOUT_S = 60
SETTLE_S = 75  # after a claim, before somebody looks whether the earlier attempt landed
MAX_ATTEMPTS = 8

EffectState = Literal["open", "done", "refused", "gave_up"]


class Effect(Shape):
    """The body of an EFFECT record.

    `cause` is the sort key of the inbound (or "level"), `slot` tells apart effects of one kind from one cause.
    For level effects: `wanted` counts wishes, `done` is the `wanted` that was rendered last.
    """

    id: str
    kind: str
    slot: str = ""
    cause: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    state: EffectState = "open"
    attempts: int = 0
    claimed_at: int | None = None
    claimed_until: int | None = None
    claimer: str = ""
    stage: dict[str, Any] = Field(default_factory=dict)  # how far a long effect came (blobs, tree, commit)
    wanted: int = 0
    done: int = 0
    remote: dict[str, Any] = Field(default_factory=dict)
    error: str = ""

    @property
    def level(self) -> bool:
        return self.kind in LEVEL

    @property
    def open(self) -> bool:
        return self.done < self.wanted if self.level else self.state == "open"


class Wish(Shape):
    """What `decide` wants done. Compiled into an effect record by `workflow`."""

    kind: str
    slot: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


def once_id(cause: str, kind: str, slot: str) -> str:
    """20 hex digits that name a once effect for ever."""
    return hashlib.sha256(f"{cause}|{kind}|{slot}".encode()).hexdigest()[:20]


def level_id(issue_pk: str, kind: str, slot: str) -> str:
    """20 hex digits that name a level effect of an issue."""
    return hashlib.sha256(f"{issue_pk}|{kind}|{slot}".encode()).hexdigest()[:20]
