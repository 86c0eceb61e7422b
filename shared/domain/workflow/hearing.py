"""What people say besides commands: answers, words among themselves, words of people without the right."""

from __future__ import annotations

import re
from typing import Literal

from shared.domain import keys
from shared.domain.facts import RoleFact, RoleOf
from shared.domain.heard import Heard
from shared.domain.messages import OfferApprove
from shared.domain.people import Person, Role
from shared.domain.record import ABSENT, Put, Record
from shared.domain.visible_text import visible
from shared.domain.workflow.turn import Turn

MAX_TEXT = 20_000

_YES = re.compile(r"^\W*(approved?|lgtm|looks good( to me)?|go ahead|ship it|yes|ok(ay)?|\+1|do it)\W*$", re.IGNORECASE)
_MENTION_FIRST = re.compile(r"^\s*@([A-Za-z0-9-]+)")

AT_WORK = frozenset({"approved", "building", "verifying"})


def hear(
    turn: Turn, by: Person, role: str, text: str, kind: Literal["command", "answer", "include"], link: str = ""
) -> None:
    """Keep a text for the planner: visible characters only, with who said it."""
    seen = visible(text).text[:MAX_TEXT]
    heard = Heard(by=by, role=role, text=seen, at=turn.now, link=link, kind=kind)
    key = keys.message(turn.view.pk, turn.now, turn.ulid())
    turn.records.append(Put(Record(key, "message", heard.model_dump(mode="json")), ABSENT))


def on_answer(turn: Turn) -> None:
    """A comment that is no command. Answers are gathered until it is quiet; others are counted, never passed on."""
    issue, comment = turn.issue, turn.inbound.comment
    if comment is None or not issue.started:
        turn.outcome = "ignored: nobody asked us anything here"
        return
    fact = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    role = fact.role if isinstance(fact, RoleFact) else Role.NONE
    own_private = issue.repository.private and issue.author is not None and issue.author.id == turn.sender.id
    if role < Role.WRITE and not (own_private and issue.phase == "interviewing"):
        turn.change(left_out_comments=issue.left_out_comments + 1)
        turn.outcome = "left out: no write access"
        turn.wish("status", "status")
        return
    if issue.phase == "proposed" and _YES.match(comment.body):
        offered = any(note.name == "offered_approve" for note in issue.notes)
        turn.outcome = "offered the approve line"
        if not offered:
            turn.note("offered_approve", who=turn.sender.login)
            turn.reply(OfferApprove(version=issue.version))
        return
    if issue.phase == "interviewing" and not _between_people(turn):
        hear(turn, turn.sender, role.word, comment.body, "answer", comment.url)
        turn.react("eyes")
        turn.outcome = "heard"
        if issue.interview.asked_at is not None and issue.job is None:
            turn.change(
                interview=issue.interview.model_copy(
                    update={"heard_at": turn.now, "answers": issue.interview.answers + 1}
                )
            )
            turn.deadline("quiet", turn.now + int(turn.view.operator.quiet_s * 1000))
        turn.wish("status", "status")
        return
    if issue.phase in AT_WORK:
        turn.change(unread_comments=issue.unread_comments + 1)
        turn.wish("status", "status")
        turn.outcome = "counted: not passed on during a build"
        return
    turn.outcome = "ignored: words between people"


def _between_people(turn: Turn) -> bool:
    """Words that quote or address somebody else are no answer to us."""
    comment = turn.inbound.comment
    assert comment is not None
    first = next((line for line in comment.body.split("\n") if line.strip()), "")
    if first.lstrip().startswith(">"):
        return f"@{turn.view.operator.app_slug}" not in comment.body and "questions" not in first
    mention = _MENTION_FIRST.match(first)
    return mention is not None and mention[1].lower() != turn.view.operator.app_slug.lower()


def on_near_miss(turn: Turn) -> None:
    """Nearly a command, by somebody with the role: nothing runs, and the status quotes what was not run."""
    comment = turn.inbound.comment
    fact = turn.fact(RoleOf(turn.sender.id, turn.sender.login))
    role = fact.role if isinstance(fact, RoleFact) else Role.NONE
    turn.outcome = "not run: near miss"
    if role < Role.TRIAGE or comment is None:
        if turn.issue.started:
            turn.change(left_out_commands=turn.issue.left_out_commands + 1)
        return
    why, quote = str(turn.inbound.data.get("why", "")), str(turn.inbound.data.get("quote", ""))
    turn.react("confused")
    turn.note(f"near_miss_{why}", who=turn.sender.login, text=quote)
    turn.wish("status", "status")
