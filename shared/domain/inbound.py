"""Inbounds: everything that reaches the conductor. Doors write them; nobody else decides.

`InboundKind` is the whole list. The webhook door builds the body as a plain dict (`envelope.py`, standard library
only); everybody else reads it through these models.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.domain.people import Person, Repository
from shared.domain.shape import Shape

InboundKind = Literal[
    "command", "near_miss", "box", "answer", "issue", "pull", "check", "installation", "push", "meeting",
    "task", "job", "planner", "outcome", "deadline",
]  # fmt: skip


class CommentRef(Shape):
    """A comment as the webhook carried it. `body` is the raw text, `before` what stood there before an edit."""

    id: int
    node_id: str = ""
    url: str = ""
    body: str = ""
    before: str | None = None
    author: Person | None = None
    created_at: str = ""
    updated_at: str = ""
    on_pull: bool = False
    in_review: bool = False  # a review, or a comment on a line of code: its number is no issue comment's


class Inbound(Shape):
    """The body of an INBOUND record.

    From GitHub: `action`, `sender`, `repository`, `installation_id`, `number`, `comment`, `data` (the few fields of the
    event that matter: title, body, state, head, merged ...). From ourselves: `data` as each kind's writer says:

    job: {job, epoch, finish: Finish}; planner: {effect, answer: PlannerAnswer}; task: {started_by, state, reason};
    outcome: {effect, kind, slot, state, remote, error, wanted}; deadline: {names: [...]}
    """

    kind: InboundKind
    action: str = ""
    delivery: str = ""
    received: int = 0
    sender: Person | None = None
    repository: Repository | None = None
    installation_id: int = 0
    number: int = 0
    comment: CommentRef | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    late_s: int = 0  # found by the watchdog so long after it happened


class PlannedQuestion(Shape):
    """A question of the planner, before it is numbered."""

    text: str
    options: tuple[dict[str, str], ...] = ()


class PlannerAnswer(Shape):
    """What the planner came to: questions, a spec document (without version, base and limits), or a failure.

    `failed`: out_of_money, model, nothing_to_do ... with `detail` in words. `conflict` answers a `say` that would
    change the contract.
    """

    outcome: Literal["questions", "spec", "failed"]
    questions: tuple[dict[str, Any], ...] = ()
    known: tuple[str, ...] = ()
    spec: dict[str, Any] | None = None
    failed: str = ""
    detail: str = ""
    spent_nano: int = 0
