"""Anything may happen in any order: no exception, one job, no silent state, nothing offered that is refused."""

from __future__ import annotations

import random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.unit.domain.deeds import DEEDS
from tests.unit.domain.places import PLACES, at
from tests.unit.domain.promises import lines_work
from tests.unit.domain.world_in_memory import PEOPLE, World

ASKED_IN = 8  # one deed of so many is followed by typing everything that is offered


def live(chance: random.Random, world: World, deeds: int) -> None:
    """So many deeds that are possible; `rules.check` looks at each decision, `lines_work` at the promises in between.

    Drawn from a seed, not deed by deed: an even spread finds more here than small examples do.
    """
    while deeds:
        deed = chance.choice(DEEDS)
        note(f"{world.issue.phase}: {deed.__name__}")
        outcome = deed(world, lambda options: chance.choice(list(options)))
        if outcome is None:
            continue
        note(f"    {outcome}")
        deeds -= 1
        if chance.randrange(ASKED_IN) == 0:
            lines_work(world, chance.choice(PEOPLE))


@settings(max_examples=90, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(PLACES))
def test_any_order_of_deeds_keeps_every_rule(seed: int, place: str) -> None:
    live(random.Random(seed), at(place), 15)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_a_long_life_keeps_every_rule(seed: int) -> None:
    live(random.Random(seed), at("idle"), 80)
