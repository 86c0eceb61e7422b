"""Our prices against those of PyPI genai-prices, field by field, for every model that both know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from genai_prices.data import providers

from shared.llm.prices import Price, Tier, published

THEIR_NAMES = {"anthropic": "anthropic", "openai": "openai", "gemini": "google"}
FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "write": "cache_write_mtok",
}
DAYS = ("2026-11-24", "2026-12-15", "2027-02-01")
"""Today, and days behind the changes that providers have announced."""

NO_WRITES = "it has no price for cache writes: they cost as much as other input, and so they stand in our table"
DIFFERENT: dict[tuple[str, str], str] = {
    ("gemini:gemini-4-argon", "write"): NO_WRITES,
    ("gemini:gemini-3.8-flash", "write"): NO_WRITES,
    ("gemini:gemini-3.5-flash-lite", "write"): NO_WRITES,
    ("gemini:gemini-3.1-pro-preview", "write"): NO_WRITES,
    ("openai:gpt-5.5", "write"): NO_WRITES,
    ("openai:gpt-5.3-codex", "write"): NO_WRITES,
}
"""Where we differ on purpose, and why."""

WINDOWS: dict[str, str] = {
    "openai:gpt-5.5": "1,000,000 there; its own page counts input and output together, 1,050,000",
    "gemini:gemini-3.5-flash-lite": "rounded to 1,000,000 there, as for 3.8-flash",
    "gemini:gemini-3.8-flash": "rounded to 1,000,000 there; the page says 1,048,576",
}


@cache
def theirs(name: str) -> Any:
    """The first of their models that this name means, or None."""
    provider, _, model = name.partition(":")
    of = next((each for each in providers if each.id == THEIR_NAMES.get(provider)), None)
    return next((each for each in of.models if each.match.is_match(model)), None) if of is not None else None


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def their_prices(name: str, day: str) -> Any:
    found = theirs(name).prices
    if not isinstance(found, list):
        return found
    dated = [each for each in found if each.constraint is None or each.constraint.start_date <= at(day).date()]
    return dated[-1].prices


def nano(value: Any, above: int) -> int | None:
    """Their dollars per million, in the tier behind `above` tokens, as our nano-dollars per token."""
    if value is None:
        return None
    if not isinstance(value, Decimal):
        steps = [tier.price for tier in value.tiers if tier.start <= above and above]
        value = steps[-1] if steps else value.base
    exact = value * 1000
    assert exact == int(exact)
    return int(exact)


def known_to_both() -> list[str]:
    return [name for name in published().known(0) if theirs(name) is not None]


def differences(name: str, price: Price, day: str) -> Iterator[tuple[str, int | None, int]]:
    others = their_prices(name, day)
    for tier in price.tiers:
        for field, other in FIELDS.items():
            said, ours = nano(getattr(others, other), tier.above), getattr(tier, field)
            if said != ours:
                yield field, said, ours


@pytest.mark.parametrize("name", known_to_both())
def test_every_field_is_theirs_or_differs_for_a_reason(name: str) -> None:
    for day in DAYS:
        price = published().of(name, int(at(day).timestamp() * 1000))
        wrong = [each for each in differences(name, price, day) if (name, each[0]) not in DIFFERENT]
        assert wrong == [], f"{name} on {day}: (field, theirs, ours)"


@pytest.mark.parametrize("name", known_to_both())
def test_our_tiers_begin_where_theirs_do(name: str) -> None:
    tiers = published().of(name, 0).tiers
    starts = getattr(their_prices(name, DAYS[0]).input_mtok, "tiers", ())
    assert [tier.above for tier in tiers] == [0, *(each.start for each in starts)]


@pytest.mark.parametrize("name", known_to_both())
def test_the_window_is_theirs_or_differs_for_a_reason(name: str) -> None:
    said = theirs(name).context_window
    if said is not None and name not in WINDOWS:
        assert said == published().of(name, 0).window


def test_the_reasons_are_still_needed() -> None:
    """A difference that is none any more leaves the table."""
    found = {
        (name, field)
        for name in known_to_both()
        for field, _, _ in differences(name, published().of(name, int(at(DAYS[0]).timestamp() * 1000)), DAYS[0])
    }
    assert found == set(DIFFERENT)
    assert {each for each in WINDOWS if theirs(each).context_window == published().of(each, 0).window} == set()


def test_most_of_our_models_are_compared() -> None:
    ours = {name for name in published().known(0) if not name.startswith("scripted:")}
    assert ours - set(known_to_both()) == set()


def test_a_rise_counts_a_day_before_it_comes_and_a_cut_a_day_after() -> None:
    argon = published()
    before, eve, after = (int(at(day).timestamp() * 1000) for day in ("2026-11-29", "2026-11-30", "2026-12-01"))
    assert [argon.of("gemini:gemini-4-argon", each).tiers[0].input for each in (before, eve, after)] == [
        2_000,
        4_000,
        4_000,
    ]
    cheap, dear = (Tier(above=0, input=each, output=each, cached=each, write=each) for each in (1, 2))
    price = Price.model_validate(
        {"window": 10, "max_output": 5, "tiers": [dear], "changes": [{"day": "2026-12-01", "tiers": [cheap]}],
         "source": "made up", "checked": "2026-11-24"}
    )  # fmt: skip
    assert [price.on(each).tiers[0].input for each in (after, after + 86_400_000)] == [2, 1]
