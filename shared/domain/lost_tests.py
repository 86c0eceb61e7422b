"""Which tests are gone from one run to the next, though some ids are never twice the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet


def stem(test: str) -> str:
    """A test's id without its parameters."""
    return test.partition("[")[0]


def lost_tests(before: AbstractSet[str], now: AbstractSet[str]) -> frozenset[str]:
    """What of `before` is not in `now`. Parameters may be the current time, or an object's address: such a test counts as
    present when there are as many of it as before."""
    had, has = (Counter(map(stem, ids)) for ids in (before, now))
    return frozenset(each for each in before - now if stem(each) == each or has[stem(each)] < had[stem(each)])
