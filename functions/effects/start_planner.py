"""Start the planner. It claims PLAN#<effect> before it works, so starting it twice is starting it once."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done


def perform(attempt: Attempt) -> Outcome:
    """data is the planner's own business: it reads the effect's record."""
    attempt.outside.planner.start(attempt.pk, attempt.effect.id)
    return done()
