"""Fold a comment of ours away once it is settled. The effect's slot names the slot whose comment it is."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done
from shared.github.answers import NotFound
from shared.github.graphql import hide_comment


def perform(attempt: Attempt) -> Outcome:
    """Hiding what is hidden changes nothing; without a comment there is nothing to hide."""
    slot = attempt.issue.slots.get(attempt.effect.slot)
    if slot is None or not slot.node_id:
        return done({"hidden": False})
    try:
        hide_comment(attempt.github("comment"), slot.node_id, str(attempt.data.get("why") or "OUTDATED"))
    except NotFound:  # somebody deleted it, which hides it as well
        return done({"hidden": False})
    return done({"hidden": True})
