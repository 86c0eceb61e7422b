"""Which model works, which may be chosen, which goes on: from the keys that are there, and never a guess."""

from __future__ import annotations

import pytest

from shared.errors import NotConfigured
from shared.llm.choice import BALANCED, SCRIPTED, Wanted, choose, offers
from shared.llm.prices import UnknownPrice, published

NOW = 1_795_000_000_000  # 18 Nov 2026
PRICES = published()
SONNET, SOL, ARGON = BALANCED.values()


@pytest.mark.parametrize(
    ("providers", "model", "fallbacks"),
    [
        (("anthropic",), SONNET, ()),
        (("gemini",), ARGON, ()),
        (("gemini", "openai"), SOL, (ARGON,)),
        (("openai", "gemini", "anthropic"), SONNET, (SOL, ARGON)),
        (("scripted", "anthropic"), SCRIPTED, ()),
    ],
)
def test_the_keys_that_are_there_choose(providers: tuple[str, ...], model: str, fallbacks: tuple[str, ...]) -> None:
    found = choose(Wanted(), providers, PRICES, NOW)
    assert (found.model, found.fallbacks) == (model, fallbacks)
    assert {model, *fallbacks} <= set(found.models)
    assert {each.partition(":")[0] for each in found.models} == ({"scripted"} if model == SCRIPTED else set(providers))


def test_what_the_operator_wrote_counts() -> None:
    both = ("anthropic", "openai")
    found = choose(Wanted("openai:gpt-6-luna", (), ("openai:gpt-6-luna", SONNET)), both, PRICES, NOW)
    assert (found.model, found.fallbacks, found.models) == ("openai:gpt-6-luna", (), ("openai:gpt-6-luna", SONNET))
    given = (SONNET, "openai:gpt-6-luna", SONNET)
    assert choose(Wanted("openai:gpt-6-luna", given), both, PRICES, NOW).fallbacks == (SONNET,)


@pytest.mark.parametrize(
    ("wanted", "providers", "words", "advice"),
    [
        (Wanted(), (), "no key of a model provider", "ANTHROPIC_API_KEY or OPENAI_API_KEY or GEMINI_API_KEY"),
        (Wanted("gpt-6.1-sol"), ("openai",), "perhaps openai:gpt-6.1-sol", "openai:gpt-6.1-sol"),
        (Wanted("openai:gpt-6.1-sun"), ("openai",), "perhaps openai:gpt-6.1-sol", "openai:gpt-6-luna"),
        (Wanted(SOL), ("anthropic",), "there is no openai key", "set OPENAI_API_KEY"),
        (Wanted("acme:large"), ("anthropic",), "there is no acme key", "providers here: anthropic"),
        (Wanted("anthropic:claude-3"), ("anthropic",), "no price is known for", SONNET),
        (Wanted(fallbacks=("openai:nothing",)), ("anthropic", "openai"), "no price is known", SOL),
        (Wanted(models=("gemini:gemini-4-argon",)), ("anthropic",), "there is no gemini key", "GEMINI_API_KEY"),
        (Wanted("compatible:qwen"), ("compatible",), "no price is known", "PERSEVERE_PRICES"),
        (Wanted(), ("compatible",), "no model is chosen", "PERSEVERE_MODEL"),
    ],
)
def test_what_cannot_be_had_or_paid_for_is_refused_at_start(
    wanted: Wanted, providers: tuple[str, ...], words: str, advice: str
) -> None:
    with pytest.raises(NotConfigured) as refused:
        choose(wanted, providers, PRICES, NOW)
    assert words in str(refused.value)
    assert advice in refused.value.advice


def test_a_model_that_the_provider_has_turned_off_is_refused_and_not_offered() -> None:
    codex, later = "openai:gpt-5.3-codex", 1_812_000_000_000  # June 2027
    assert codex in choose(Wanted(codex), ("openai",), PRICES, NOW).models
    assert codex not in choose(Wanted(), ("openai",), PRICES, later).models
    with pytest.raises(UnknownPrice, match="turned off"):
        choose(Wanted(codex), ("openai",), PRICES, later)


def test_people_are_offered_models_with_what_they_cost() -> None:
    found = {each.name: each for each in offers(choose(Wanted(), ("openai",), PRICES, NOW), PRICES, NOW)}
    assert (found[SOL].input, found[SOL].output, found[SOL].cached) == (2_000, 10_000, 100)
    assert found["openai:gpt-6-luna"].smallest_step_nano < found[SOL].smallest_step_nano
