"""Lines that a status carries beside its state: near misses, an edited issue, what was not read or not passed on."""

from __future__ import annotations

from shared.domain.issue import Note
from shared.domain.money import dollars
from shared.domain.view import View
from shared.render.forms import count, login, moment
from shared.render.markdown import code, prose, quoted
from shared.render.model_words import chosen_words

SHOWN = 3

# By the note's name; a name without words here is shown with the facts that it has.
NOTES: dict[str, str] = {
    "near_miss_other_line": (
        "{who}'s comment of {at} has {code} below its first line. Commands count in the first line only, so nothing was "
        "started."
    ),
    "near_miss_two_commands": "{who}'s comment of {at} holds two commands; neither {code} nor the other was run.",
    "near_miss_mark": "{who}'s comment of {at} has a mark right behind the command: {code}. Nothing was started.",
    "near_miss_edited": "{who}'s comment of {at} was edited by somebody else before I read it; {code} was not run.",
    "near_miss_review": (
        "{who}'s review of {at} holds {code}. Commands count in comments of the conversation, not in reviews, so nothing "
        "was started."
    ),
    "near_miss_odd_blank": "{who}'s comment of {at} has an odd or invisible character at {code}, so nothing was started.",
    "issue_edited": (
        "The issue was edited by {who} at {at}. The build follows {approved}. To take the edit in: "
        "`{command} revise <what>`"
    ),
    "issue_edited_early": (
        "The issue was edited by {who} at {at}; I go by the text as I read it. To take the edit in: {take_in}"
    ),
    "issue_closed": "The issue was closed by {who} at {at}.",
    "included": "Taken in at {at}: a comment by {who}.",
    "locked": "This conversation is locked: a comment could not be written at {at}. Unlock it, or read the checks.",
    "late": (
        "GitHub could not deliver a command of {who}'s; it was found {late} late, at {at}, and carried out as it was "
        "written."
    ),
    "permission": "GitHub refused something at {at}: {quoted}. A permission is missing; work goes on.",
    "not_done": "{what} could not be written at {at}: {quoted}",
    "runner_lost": "The machine was lost{step} ({at}); a new one goes on with the work kept. {paid}",
    "planner_lost": "Writing was interrupted at {at} and begun again.",
    "answer_dropped": "An answer that nobody waited for any more came at {at} and was thrown away. It had cost {cost}.",
    "pushed": "{who} pushed {sha} to this branch at {at}. Earlier proof is void; everything is proved again.",
    "offered_approve": "",
    "model_chosen": "{who} chose {code} at {at} for the next job. {price}",
}
OBJECTS = {"pull": "The pull request", "pull_text": "The pull request's text", "labels": "The label"}


def notes(view: View, now: int) -> str:
    """The newest notes, one line each."""
    lines = [_note(each, view, now) for each in view.issue.notes[-SHOWN:]]
    return "\n\n".join(line for line in lines if line)


def _note(note: Note, view: View, now: int) -> str:
    words = NOTES.get(note.name)
    at = moment(note.at, now)
    if words is None:
        facts = prose(note.text, 160) or prose(note.name.replace("_", " "), 60)
        return f"{at}: {facts}" + (f" ({login(note.who)})" if note.who else "")
    issue, command = view.issue, view.operator.command
    lost = view.ledger.lost_nano if view.ledger is not None else 0
    return words.format(
        who=login(note.who) or "Somebody",
        at=at,
        command=command,
        code=code(note.text, 80),
        sha=code(note.text[:7]),
        quoted=quoted(note.text, 160),
        cost=prose(note.text, 20),
        what=OBJECTS.get(note.who, "Something"),
        approved=f"v{issue.approval.version} as approved" if issue.approval else "the approved spec",
        take_in=f"`{command} revise <what>`" if issue.version else "say it in an answer",
        late=f"{prose(note.text, 10)} min",
        step=f" at step {prose(note.text, 10)}" if note.text not in ("", "0") else "",
        price=_price(note.text, view) if note.name == "model_chosen" else "",
        paid=f"Lost to it: {dollars(lost)}." if lost else "No step was paid for twice.",
    )


def _price(model: str, view: View) -> str:
    words = chosen_words(model, view)
    return f"It costs {words}." if words else ""


def counts(view: View) -> str:
    """What was left out or not passed on, as numbers: nothing is dropped in silence."""
    issue, command = view.issue, view.operator.command
    left_out = []
    if issue.left_out_comments:
        left_out.append(count(issue.left_out_comments, "comment"))
    if issue.left_out_commands:
        left_out.append(count(issue.left_out_commands, "command"))
    lines = []
    if left_out:
        words = f"Left out: {' and '.join(left_out)} by people without write access."
        take_in = issue.left_out_comments and issue.phase in ("interviewing", "proposed")
        lines.append(words + (f" `{command} include <link>` takes in a comment." if take_in else ""))
    if issue.unread_comments and issue.phase in ("approved", "building", "verifying"):
        lines.append(
            f"Not passed on: {count(issue.unread_comments, 'comment')}. `{command} say <text>` reaches the agent."
        )
    return "\n\n".join(lines)
