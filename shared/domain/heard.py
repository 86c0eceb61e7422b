"""What people said on an issue and may be read by the planner: the body of a MESSAGE record."""

from __future__ import annotations

from typing import Literal

from shared.domain.people import Person
from shared.domain.shape import Shape


class Heard(Shape):
    """A text of a person, visible characters only. `kind`: the rest of a command, an answer, or a comment that a writer
    took in (`include`; then `by` wrote it and need not have any role). `at` in UTC ms.
    """

    by: Person
    role: str = ""
    text: str
    at: int
    link: str = ""
    kind: Literal["command", "answer", "include"] = "answer"
