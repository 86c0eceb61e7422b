"""Which model works, which ones may be chosen, and which one goes on when it is out: decided once, at start."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from shared.domain.operator import Offer
from shared.errors import NotConfigured
from shared.llm.prices import PriceList, UnknownPrice
from shared.llm.smallest_step import smallest_step_nano
from shared.settings import KEY_NAMES

BALANCED = {
    "anthropic": "anthropic:claude-sonnet-5-5",
    "openai": "openai:gpt-6.1-sol",
    "gemini": "gemini:gemini-4-argon",
}
"""Each provider's balanced model. Their order is the order in which a key that is there is used."""

SCRIPTED = "scripted:demo"


@dataclass(frozen=True, slots=True)
class Choice:
    """`model` works; `fallbacks` go on in that order when it is out; `models` may be chosen, all of these among them."""

    model: str
    fallbacks: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator wrote. Empty and None: nothing; an empty tuple of fallbacks is the word `none`."""

    model: str = ""
    fallbacks: tuple[str, ...] | None = None
    models: tuple[str, ...] = ()


def choose(wanted: Wanted, providers: Collection[str], prices: PriceList, now: int) -> Choice:
    """`providers` are those that can be asked here: a key or an address is there.

    Raises NotConfigured (UnknownPrice among it) when there is none, or a name is not to be had or not to be paid for.
    """
    if not providers:
        names = " or ".join(KEY_NAMES[each] for each in BALANCED)
        raise NotConfigured("no key of a model provider is here", f"set {names}")
    model = wanted.model or _default(providers)
    given = wanted.fallbacks if wanted.fallbacks is not None else _others(model, providers)
    fallbacks = tuple(each for each in dict.fromkeys(given) if each != model)
    for each in (model, *fallbacks, *wanted.models):
        check(each, providers, prices, now)
    known = wanted.models or tuple(each for each in prices.known(now) if _offered(each, model, providers))
    return Choice(model, fallbacks, tuple(dict.fromkeys((*known, model, *fallbacks))))


def check(model: str, providers: Collection[str], prices: PriceList, now: int) -> None:
    """Raises NotConfigured for a model that cannot be asked or paid for here, naming the nearest that can."""
    provider, separator, name = model.partition(":")
    here = tuple(each for each in prices.known(now) if each.partition(":")[0] in providers)
    if not separator or not name:
        near = [each for each in here if each.partition(":")[2] == model] or difflib.get_close_matches(model, here, n=1)
        meant = f"; perhaps {near[0]}" if near else ""
        raise NotConfigured(
            f"{model!r} names no model; a name is <provider>:<model>{meant}",
            f"known: {', '.join(here or prices.known(now))}",
        )
    if provider not in providers:
        key = KEY_NAMES.get(provider)
        advice = (
            f"set {key}" if key else f"providers here: {', '.join(sorted(providers)) or 'none, since no key is set'}"
        )
        raise NotConfigured(f"the model {model} cannot be asked here: there is no {provider} key", advice)
    try:
        prices.of(model, now)
    except UnknownPrice as unknown:
        if provider == "compatible":
            raise UnknownPrice(
                f"no price is known for the model {model!r}",
                "set PERSEVERE_PRICES to a file with its price; its shape is that of shared/llm/prices.json",
            ) from unknown
        near = difflib.get_close_matches(model, here, n=1)
        meant = f"; perhaps {near[0]}" if near else ""
        raise UnknownPrice(f"{unknown}{meant}", unknown.advice) from unknown


def offers(choice: Choice, prices: PriceList, now: int) -> tuple[Offer, ...]:
    """What people are told of each model that may be chosen."""
    return tuple(_offer(name, prices, now) for name in choice.models)


def _offer(name: str, prices: PriceList, now: int) -> Offer:
    price = prices.of(name, now)
    tier = price.tiers[0]
    return Offer(
        name=name,
        input=tier.input,
        output=tier.output,
        cached=tier.cached,
        smallest_step_nano=smallest_step_nano(price),
    )


def _default(providers: Collection[str]) -> str:
    if "scripted" in providers:
        return SCRIPTED
    found = next((model for provider, model in BALANCED.items() if provider in providers), "")
    if not found:
        raise NotConfigured("no model is chosen", "set PERSEVERE_MODEL, for example to compatible:<model>")
    return found


def _others(model: str, providers: Collection[str]) -> tuple[str, ...]:
    """The balanced models of the other providers that are here. A scripted conversation never goes on for money."""
    mine = model.partition(":")[0]
    if mine == "scripted":
        return ()
    return tuple(each for provider, each in BALANCED.items() if provider in providers and provider != mine)


def _offered(name: str, model: str, providers: Collection[str]) -> bool:
    """A world with a script offers its script alone, unless a real model was chosen there."""
    provider = name.partition(":")[0]
    return provider in providers and (provider == "scripted") == (model.partition(":")[0] == "scripted")
