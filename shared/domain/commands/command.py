"""What a command is: its words, who may use it and when, and what it does to a turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.facts import Fact, IssueNow, Need
from shared.domain.issue import Phase
from shared.domain.people import Role

if TYPE_CHECKING:
    from shared.domain.view import View
    from shared.domain.workflow.turn import Turn


@dataclass(frozen=True, slots=True)
class Given:
    """A command as somebody gave it: arguments on the line, and the text under it."""

    verb: str
    arguments: str
    rest: str

    @property
    def text(self) -> str:
        """The line's arguments and the text under them, as one."""
        return "\n\n".join(part for part in (self.arguments, self.rest) if part)


@dataclass(frozen=True, slots=True)
class Wrong:
    """The arguments are not what the command takes; `why` is a sentence for people."""

    why: str


Facts = dict[Need, Fact]


def no_needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    """Most commands need nothing but the sender's role."""
    return frozenset()


def issue_needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    return frozenset({IssueNow()})


def any_arguments(given: Given) -> Wrong | None:
    return None


def no_arguments(given: Given) -> Wrong | None:
    """For commands that stand alone."""
    return Wrong(f"`{given.verb}` takes nothing after it") if given.arguments else None


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `usage` without the prefix; `phases` None: in any; `requester`: the one who asked may, too.

    `summary` says what happens, in a few words, for help and the README. `offer(view)` gives the line to type and what
    it does when that makes sense now, else None. `needs` may be asked again with what is known.
    """

    verb: str
    usage: str
    summary: str
    role: Role
    run: Callable[[Turn, Given], None]
    examples: tuple[str, ...]
    phases: frozenset[Phase] | None = None
    requester: bool = False
    check: Callable[[Given], Wrong | None] = any_arguments
    needs: Callable[[View, Given, Facts], frozenset[Need]] = no_needs
    offer: Callable[[View], tuple[str, str] | None] = lambda view: None
    overtakes: bool = False
