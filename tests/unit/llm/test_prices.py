"""Prices are whole nano-dollars with a source and a day, and the worst case is the worst case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.models import Models
from shared.llm.prices import Price, UnknownPrice, published
from shared.llm.smallest_step import smallest_step_nano
from shared.ports import ModelFailed, Usage
from tests.unit.llm.desk import Told

NOW = 1_795_000_000_000  # 18 Nov 2026
NAMES = sorted(published().known(NOW))


def price_of(name: str) -> Price:
    return published().of(name, NOW)


@pytest.mark.parametrize("name", NAMES)
def test_each_price_says_where_it_is_published(name: str) -> None:
    price = price_of(name)
    assert price.source.startswith(("https://", "made up"))
    assert [tier.above for tier in price.tiers] == sorted({tier.above for tier in price.tiers})
    assert price.tiers[0].above == 0
    assert price.max_output <= price.window
    assert all(tier.cached <= tier.input <= tier.output for tier in price.tiers)


# Dollars per million tokens as published: input, output, cached, write; then above the tier.
PUBLISHED: dict[str, list[tuple[float, ...]]] = {
    "anthropic:claude-sonnet-5-5": [(0, 2, 10, 0.10, 2.50)],
    "anthropic:claude-opus-5-5": [(0, 4, 20, 0.20, 5)],
    "anthropic:claude-haiku-5-5": [(0, 0.10, 0.50, 0.01, 0.125), (100_000, 0.5, 2.5, 0.05, 0.625)],
    "openai:gpt-5.6": [(0, 4, 20, 0.40, 5), (272_000, 8, 30, 0.8, 10)],
    "openai:gpt-5.6-terra": [(0, 2, 12, 0.20, 2.50), (272_000, 4, 18, 0.4, 5)],
    "openai:gpt-5.6-luna": [(0, 0.20, 1.20, 0.02, 0.25), (272_000, 0.4, 1.8, 0.04, 0.5)],
    "gemini:gemini-3.8-flash": [(0, 0.75, 3.75, 0.075, 0.75)],
    "gemini:gemini-3.1-pro-preview": [(0, 2, 12, 0.20, 2), (200_000, 4, 18, 0.4, 4)],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_holds_the_published_prices(name: str) -> None:
    tiers = [(t.above, t.input, t.output, t.cached, t.write) for t in price_of(name).tiers]
    published = [(above, *(round(dollars * 1000) for dollars in prices)) for above, *prices in PUBLISHED[name]]
    assert tiers == published


def test_the_price_of_a_long_input_holds_for_all_of_it() -> None:
    haiku = price_of("anthropic:claude-haiku-5-5")
    assert haiku.cost(Usage(100_000, output=1)) == 100_000 * 100 + 500
    assert haiku.cost(Usage(100_001, output=1)) == 100_001 * 500 + 2_500


@given(
    st.sampled_from(NAMES),
    st.integers(0, 400_000),
    st.integers(0, 20_000),
    st.integers(0, 400_000),
    st.integers(0, 400_000),
    st.booleans(),
)
def test_no_call_within_its_bound_costs_more_than_the_worst_case(
    name: str, tokens: int, output: int, cached: int, written: int, in_us: bool
) -> None:
    price = price_of(name)
    surcharge = "us" if in_us and name.startswith("anthropic:") else ""
    cost = price.cost(Usage(tokens, cached=cached, written=written, output=output, surcharge=surcharge))
    assert 0 <= cost <= price.worst(tokens, output)
    assert cost <= price.worst(tokens + 1_000, output + 10), "also where the bound reaches a dearer tier"


@given(st.sampled_from(NAMES), st.integers(0, 400_000), st.integers(0, 10**10))
def test_affordable_output_is_what_the_money_pays_for(name: str, bound: int, nano: int) -> None:
    price = price_of(name)
    output = price.affordable_output(bound, nano)
    if output >= 0:
        assert price.worst(bound, output) <= nano < price.worst(bound, output + 1)
    else:
        assert price.worst(bound, 0) > nano


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(UnknownPrice) as refused:
        price_of("anthropic:claude-2")
    assert "anthropic:claude-sonnet-5-5" in refused.value.advice


def test_the_smallest_step_is_a_few_cents_at_most() -> None:
    assert 10_000_000 < smallest_step_nano(price_of("scripted:demo")) < 100_000_000


@pytest.mark.parametrize("name", ["anthropic:claude-sonnet-5-5", "scripted", "", "other:x"])
def test_a_model_that_cannot_be_asked_says_what_can(name: str) -> None:
    with pytest.raises(ModelFailed) as failed:
        Models({"scripted": lambda _: Told()}).get(name)
    assert "scripted:<name>" in failed.value.advice
    assert failed.value.cause == "key", "another provider may go on"


def test_a_model_is_made_once() -> None:
    models = Models({"scripted": lambda _: Told()})
    assert models.get("scripted:demo") is models.get("scripted:demo")


def test_inference_in_the_us_alone_costs_a_tenth_more() -> None:
    sonnet = price_of("anthropic:claude-sonnet-5-5")
    plain = sonnet.cost(Usage(1_000, cached=500, output=100))
    assert sonnet.cost(Usage(1_000, cached=500, output=100, surcharge="us")) == plain * 11 // 10
    assert sonnet.worst(1_000, 100) == (1_000 * 2_500 + 100 * 10_000) * 11 // 10, "a hold has room for it"


@pytest.mark.parametrize(
    ("url", "more"),
    [
        (None, 0),
        ("https://api.openai.com/v1", 0),
        ("https://eu.api.openai.com/v1", 100),
        ("https://us.api.openai.com", 100),
        ("https://api.openai.com.example.com/v1", 0),
        ("https://gateway.example.com/v1", 0),
    ],
)
def test_openais_regional_addresses_cost_a_tenth_more(url: str | None, more: int) -> None:
    prices = published().at_address(url)
    tiers = prices.of("openai:gpt-6.1-sol", NOW).tiers
    assert [(tier.input, tier.output) for tier in tiers] == [
        (each.input * (1000 + more) // 1000, each.output * (1000 + more) // 1000)
        for each in published().of("openai:gpt-6.1-sol", NOW).tiers
    ]
    for name in ("openai:gpt-5.3-codex", "anthropic:claude-sonnet-5-5", "gemini:gemini-4-argon"):
        assert prices.of(name, NOW) == published().of(name, NOW), "older models and other providers cost the same"
