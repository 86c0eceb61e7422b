"""Which model the next piece of work of an issue is for, which one a word means, and what money buys of it."""

from __future__ import annotations

import difflib

from shared.domain.issue import IssueState
from shared.domain.operator import Offer, Operator

# What a usual step takes, in tokens: 30,000 of conversation, nine of ten from the provider's cache, and a short answer.
STEP_FRESH, STEP_CACHED, STEP_OUTPUT = 3_000, 27_000, 600
BUILDING_PERCENT = 85


def chosen_model(issue: IssueState, operator: Operator) -> str:
    """What a person chose here, else the repository's settings, else the operator's; never outside of the operator's."""
    wishes = (issue.model, issue.settings.model or "")
    return next((each for each in wishes if each and each in operator.models), operator.model)


def roughly_buys(offer: Offer, nano: int) -> int:
    """Steps that money pays for, in two digits: a guess, from what a usual step takes."""
    step = STEP_FRESH * offer.input + STEP_CACHED * offer.cached + STEP_OUTPUT * offer.output
    steps = nano * BUILDING_PERCENT // 100 // max(1, step)
    scale = int(10 ** max(0, len(str(steps)) - 2))
    return steps // scale * scale


def nearest_model(word: str, operator: Operator) -> str:
    """The model that was probably meant, or "": its name without the provider, or one spelt nearly so."""
    word = word.lower()
    bare = [each for each in operator.models if each.partition(":")[2] == word or each.lower() == word]
    if bare:
        return bare[0]
    names = {each.partition(":")[2]: each for each in operator.models}
    near = difflib.get_close_matches(word, operator.models, n=1, cutoff=0.6)
    short = difflib.get_close_matches(word.rpartition(":")[2], names, n=1, cutoff=0.5)
    return near[0] if near else names[short[0]] if short else ""
