"""`/persevere include LINK`: lets one comment of somebody without write access be read, as quoted data."""

from __future__ import annotations

import re

from shared.domain.commands.command import Command, Facts, Given, Wrong
from shared.domain.facts import CommentFact, CommentNow, Need
from shared.domain.messages import NotIncluded, NotNow
from shared.domain.people import Person, Role
from shared.domain.view import View
from shared.domain.workflow.hearing import hear
from shared.domain.workflow.proposing import ask_planner
from shared.domain.workflow.turn import Turn

_LINK = re.compile(r"^<?\S*#issuecomment-(\d{1,20})>?$")


def _comment_id(given: Given) -> int | None:
    match = _LINK.match(given.arguments)
    return int(match[1]) if match else None


def _check(given: Given) -> Wrong | None:
    if _comment_id(given) is None:
        return Wrong("a link to one comment is wanted, ending in `#issuecomment-` and a number")
    return None


def _needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    comment = _comment_id(given)
    return frozenset() if comment is None else frozenset({CommentNow(comment)})


def _run(turn: Turn, given: Given) -> None:
    issue = turn.issue
    comment_id = _comment_id(given)
    assert comment_id is not None
    if issue.phase not in ("interviewing", "proposed"):
        line = f"{turn.command} revise <what>" if issue.version else turn.command
        turn.reply(NotNow(verb="include", phase=issue.phase, why="spec_is_set", line=line))
        turn.outcome = "refused: not now"
        return
    fact = turn.fact(CommentNow(comment_id))
    if not isinstance(fact, CommentFact):
        turn.reply(NotIncluded(link=given.arguments, why="not_found"))
        turn.outcome = "refused: comment not found"
        return
    if fact.issue_number != issue.number:
        turn.reply(NotIncluded(link=given.arguments, why="not_here"))
        turn.outcome = "refused: another issue's comment"
        return
    if fact.app_id == turn.view.operator.app_id and fact.app_id:
        turn.reply(NotIncluded(link=given.arguments, why="ours"))
        turn.outcome = "refused: our own comment"
        return
    author = fact.author.login if fact.author else "ghost"
    hear(turn, fact.author or Person(id=0, login="ghost"), "", fact.body, "include", fact.url)
    turn.change(tainted=True)
    turn.note("included", who=author, text=fact.url)
    turn.react("rocket")
    if issue.phase == "proposed":
        turn.move("interviewing", revision=f"Take in the comment of {author}.", revision_by=turn.sender.login)
        turn.note("included", who=author, text=fact.url)
        ask_planner(turn)
    elif issue.survey is not None and issue.job is None:
        turn.deadline("quiet", turn.now + int(turn.view.operator.quiet_s * 1000))
    turn.show()


COMMAND = Command(
    verb="include",
    usage="include <link>",
    summary="lets me read that comment",
    role=Role.WRITE,
    run=_run,
    examples=("include https://github.com/octo-org/octo-repo/issues/42#issuecomment-1",),
    check=_check,
    needs=_needs,
)
