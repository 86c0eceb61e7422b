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
