"""Every model that may be asked is out: nothing runs, the work is kept, and the clock tries again until one answers."""

from __future__ import annotations

from shared.domain.messages import Message
from shared.domain.workflow.halts import go_on, halt, rest
from shared.domain.workflow.jobs import start_build
from shared.domain.workflow.proposing import plan_on
from shared.domain.workflow.turn import Turn

REASON = "provider_out"
THEIRS = frozenset({"busy"})  # nobody here can do anything about it: nobody is called
FIRST_MS = 5 * 60_000
MOST_MS = 60 * 60_000
TRIES_MAX = 170  # a week; then a person is asked
WORDS = "The model's provider was out for a while and answers again. Go on with the work kept."


def wait_for_provider(turn: Turn, why: str, words: str, message: Message, *, answers: int, job: str | None) -> bool:
    """Wait, with the next try at a time; False where it was waited for long enough, and a person shall hear of it.

    `answers`: how many there were since the last try; with one, the waiting begins anew. A key that is refused is told
    to a person once, and tried like the rest: nobody else can know when it was mended.
    """
    tries = 1 if answers else turn.issue.provider_tries + 1
    if tries > TRIES_MAX:
        turn.change(provider_tries=0)
        return False
    told = message if tries == 1 and why not in THEIRS else None
    halt(turn, "waiting", REASON, detail=words[:200], line=f"{turn.command} resume", message=told, job=job)
    turn.change(provider_tries=tries)
    turn.deadline("provider", turn.now + min(MOST_MS, FIRST_MS * 2 ** min(tries - 1, 10)))
    return True


def try_again(turn: Turn) -> None:
    """The next try. A job that got no answer leaves no trace in the conversation: its place is taken."""
    issue = turn.issue
    if issue.phase != "waiting" or issue.waiting is None or issue.waiting.reason != REASON:
        return
    rest(turn)
    go_on(turn)
    if issue.approval is None:
        turn.move("interviewing")
        plan_on(turn)
        turn.show()
        return
    last = turn.job(issue.build)
    message = WORDS
    if last is not None and not last.steps:
        turn.change(build=last.continues)
        message = last.message
    turn.move("approved")
    start_build(turn, message=message)
    turn.show()
