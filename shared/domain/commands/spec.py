"""`/persevere spec [vN]`: shows a version."""

from __future__ import annotations

import re

from shared.domain.commands.command import Command, Given, Wrong
from shared.domain.messages import NoSuchVersion, NotNow, SpecShown
from shared.domain.people import Role
from shared.domain.workflow.turn import Turn

_VERSION = re.compile(r"^v?(\d{1,4})$", re.IGNORECASE)


def _check(given: Given) -> Wrong | None:
    if given.arguments and not _VERSION.match(given.arguments):
        return Wrong(f"`{given.arguments}` is no version; `v2` is")
    return None


def _run(turn: Turn, given: Given) -> None:
    newest = turn.issue.version
    if not newest:
        turn.reply(NotNow(verb="spec", phase=turn.issue.phase, why="no_spec", line=f"{turn.command} plan"))
        turn.outcome = "refused: no spec"
        return
    match = _VERSION.match(given.arguments)
    asked = int(match[1]) if match else newest
    approved = turn.issue.approval.version if turn.issue.approval else newest
    if asked not in (newest, approved):
        turn.reply(NoSuchVersion(asked=asked, newest=newest))
        turn.outcome = "refused: no such version"
        return
    turn.reply(SpecShown(version=asked), reaction="eyes")


COMMAND = Command(
    verb="spec",
    usage="spec [vN]",
    summary="shows the spec",
    role=Role.TRIAGE,
    run=_run,
    examples=("spec", "spec v2"),
    requester=True,
    check=_check,
)
