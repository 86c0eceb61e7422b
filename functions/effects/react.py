"""A reaction. Doing it twice is the same reaction, so nothing has to be looked for."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done
from shared.github.reactions import react


def perform(attempt: Attempt) -> Outcome:
    """data: {on: issue | comment | review_comment, id, content}."""
    data = attempt.data
    return done({"id": react(attempt.github("comment"), data["on"], int(data["id"]), str(data["content"]))})
