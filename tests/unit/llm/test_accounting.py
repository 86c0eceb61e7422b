"""Each provider's bill, brought to one shape; and what is no bill."""

from __future__ import annotations

from typing import Any

import pytest

from shared.llm import anthropic_model, compatible_model, gemini_model, openai_model
from shared.ports import Usage

ANTHROPIC = {"input_tokens": 10, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 90, "output_tokens": 5}
OPENAI = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 800, "cache_write_tokens": 100},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 40},
}
GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 800,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
}


def test_anthropic_counts_what_the_cache_has_apart() -> None:
    assert anthropic_model.usage_of(ANTHROPIC) == Usage(900, cached=800, written=90, output=5)


def test_what_compaction_took_is_in_the_rounds_alone() -> None:
    compaction = {"type": "compaction", "input_tokens": 55_196, "output_tokens": 125}
    last = {"type": "message", "input_tokens": 220, "output_tokens": 30}
    bill = {"input_tokens": 220, "output_tokens": 30, "iterations": [compaction, last]}
    assert anthropic_model.usage_of(bill) == Usage(55_416, output=155)
    assert anthropic_model.usage_of(bill | {"iterations": [last]}) == Usage(220, output=30)


def test_openai_counts_cache_and_reasoning_in() -> None:
    assert openai_model.usage_of(OPENAI) == Usage(1000, cached=800, written=100, output=50)


def test_gemini_counts_thoughts_apart() -> None:
    assert gemini_model.usage_of(GEMINI) == Usage(1000, cached=800, output=50)
    assert gemini_model.usage_of(GEMINI | {"totalTokenCount": 1099}) == Usage(1000, cached=800, output=99)


def test_chat_completions_count_the_cache_in() -> None:
    bill = {"prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 800}}
    assert compatible_model.usage_of(bill) == Usage(1000, cached=800, output=50)
    assert compatible_model.usage_of(bill | {"prompt_tokens_details": None}) == Usage(1000, output=50)


@pytest.mark.parametrize("module", [anthropic_model, openai_model, gemini_model, compatible_model])
@pytest.mark.parametrize("bill", [{}, {"input_tokens": 5}, {"input_tokens": "many", "output_tokens": True}])
def test_half_a_bill_is_none(module: Any, bill: dict[str, Any]) -> None:
    assert module.usage_of(bill).reported is False


@pytest.mark.parametrize(
    ("bill", "usage"),
    [
        (ANTHROPIC | {"cache_read_input_tokens": -5}, Usage(100, written=90, output=5)),
        (ANTHROPIC | {"cache_creation_input_tokens": None}, Usage(810, cached=800, output=5)),
    ],
)
def test_numbers_that_are_none_count_nothing(bill: dict[str, Any], usage: Usage) -> None:
    assert anthropic_model.usage_of(bill) == usage


# --- how it was served -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "surcharge", "priced"),
    [
        ({"inference_geo": "global", "service_tier": "standard", "speed": "standard"}, "", True),
        ({"inference_geo": "not_available", "cache_creation": {"ephemeral_5m_input_tokens": 90}}, "", True),
        ({"inference_geo": None, "service_tier": None, "cache_creation": None}, "", True),
        ({"inference_geo": "us"}, "us", True),
        ({"inference_geo": "moon"}, "", False),
        ({"service_tier": "priority"}, "", False),
        ({"service_tier": "batch"}, "", False),
        ({"speed": "fast"}, "", False),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 80, "ephemeral_1h_input_tokens": 10}}, "", False),
    ],
)
def test_anthropic_tells_where_and_how_it_was_served(more: dict[str, Any], surcharge: str, priced: bool) -> None:
    assert anthropic_model.usage_of(ANTHROPIC | more) == Usage(
        900, cached=800, written=90, output=5, surcharge=surcharge, priced=priced
    )


@pytest.mark.parametrize(
    ("tier", "priced"),
    [(None, True), ("default", True), ("flex", False), ("priority", False), ("scale", False), ("ultrafast", False)],
)
def test_openai_tells_the_tier_that_served_it(tier: str | None, priced: bool) -> None:
    assert openai_model.usage_of(OPENAI, tier).priced is priced


def test_a_cache_that_lasts_longer_than_was_asked_for_has_no_price() -> None:
    written = {"cache_write_tokens": 100, "cache_write_tokens_details": {"ttl_30m_tokens": 60, "ttl_12h_tokens": 40}}
    assert not openai_model.usage_of(OPENAI | {"input_tokens_details": written}).priced
    written["cache_write_tokens_details"] = {"ttl_30m_tokens": 100, "ttl_12h_tokens": 0}
    assert openai_model.usage_of(OPENAI | {"input_tokens_details": written}).priced


@pytest.mark.parametrize(("tier", "priced"), [("standard", True), ("STANDARD", True), ("flex", False)])
def test_gemini_tells_the_tier_where_it_does(tier: str, priced: bool) -> None:
    assert gemini_model.usage_of(GEMINI | {"serviceTier": tier}).priced is priced
