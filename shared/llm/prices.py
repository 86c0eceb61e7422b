"""What a model costs, in integer nano-dollars per token. A model without a price here is refused.

`prices.json` has one entry a model: tiers by the size of the whole input (a tier's price holds for all tokens of a
request whose input is above it), changes that the provider has announced, the day on which it turns the model off, the
place where the price is published, and the day on which somebody looked. 1,000 nano-dollars per token are $1.00 per
million tokens. `surcharges` are per mille on everything: `us` for Anthropic's US-only inference, which an answer tells of
(platform.claude.com/docs/en/manage-claude/data-residency), `regional` for OpenAI's regional addresses
(developers.openai.com/api/docs/guides/data-residency). An operator's file (`prices_file.py`) has the same shape and wins, entry by entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.domain.shape import Strict
from shared.errors import NotConfigured
from shared.ports import Usage


class Tier(Strict):
    """Nano-dollars per token for requests with more than `above` input tokens."""

    above: int = Field(ge=0)
    input: int = Field(gt=0)
    output: int = Field(gt=0)
    cached: int = Field(ge=0)
    write: int = Field(ge=0)

    @property
    def dearest_input(self) -> int:
        return max(self.input, self.cached, self.write)


def _rising(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    above = [tier.above for tier in tiers]
    if above[0] != 0 or above != sorted(set(above)):
        raise ValueError("tiers begin with `above` 0 and rise from there")
    return tiers


def _begin(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Tiers = Annotated[tuple[Tier, ...], Field(min_length=1), AfterValidator(_rising)]
DAY = timedelta(days=1)
SURCHARGE = 100  # per mille, where an entry does not say: what both providers ask by now


class NewTiers(Strict):
    """What the provider will charge from a day on."""

    day: Day
    tiers: Tiers

    def counts(self, tiers: tuple[Tier, ...], now: datetime) -> bool:
        """A rise counts a day early and a cut a day late, so that no time zone makes a call dearer than its hold."""
        dearer = self.tiers[0].input + self.tiers[0].output > tiers[0].input + tiers[0].output
        return now >= _begin(self.day) + (-DAY if dearer else DAY)


class Price(Strict):
    """One model. `window` is input and output together, in tokens, where the provider counts them so."""

    window: int = Field(gt=0)
    max_output: int = Field(gt=0)
    tiers: Tiers
    changes: tuple[NewTiers, ...] = ()
    surcharges: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    retires: Day | None = None
    source: str
    checked: Day

    def on(self, now: int) -> Price:
        """The price as it counts at a time (UTC ms)."""
        tiers, at = self.tiers, datetime.fromtimestamp(now / 1000, UTC)
        for change in self.changes:
            if change.counts(tiers, at):
                tiers = change.tiers
        return self if tiers is self.tiers else self.model_copy(update={"tiers": tiers, "changes": ()})

    def retired(self, now: int) -> bool:
        return self.retires is not None and datetime.fromtimestamp(now / 1000, UTC) >= _begin(self.retires)

    def tier(self, input_tokens: int) -> Tier:
        return [tier for tier in self.tiers if tier.above == 0 or input_tokens > tier.above][-1]

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of a finished call, rounded up. Parts that a provider left out or garbled count as plain input."""
        tier = self.tier(usage.input)
        cached = min(max(usage.cached, 0), max(usage.input, 0))
        written = min(max(usage.written, 0), max(usage.input, 0) - cached)
        plain = max(usage.input, 0) - cached - written
        nano = plain * tier.input + cached * tier.cached + written * tier.write + max(usage.output, 0) * tier.output
        return _with(self._told_later, nano) if usage.surcharge == "us" else nano

    def worst(self, input_bound: int, max_output: int) -> int:
        """Nano-dollars that a call can cost at most: every token at the dearest rate that may apply to it."""
        nano = input_bound * self._dearest_input(input_bound) + max_output * self._dearest_output(input_bound)
        return _with(self._told_later, nano)

    def affordable_output(self, input_bound: int, nano: int) -> int:
        """Output tokens that `nano` pays for beside the worst case of the input; negative when not even that fits."""
        left, token = nano - self.worst(input_bound, 0), self._dearest_output(input_bound)
        return left * 1000 // ((1000 + self._told_later) * token)

    def least(self, input_bytes: int, output_bytes: int) -> int:
        """Nano-dollars that a call with such texts costs at least: 16 bytes a token, all of it read from a cache."""
        tier = self.tiers[0]
        return input_bytes // 16 * min(tier.cached, tier.input) + output_bytes // 16 * tier.output

    @property
    def _told_later(self) -> int:
        """The surcharge of which only the answer tells, per mille: every hold has room for it."""
        return self.surcharges.get("us", 0)

    def with_surcharge(self, place: str) -> Price:
        """The price with what is usual for a place, where it does not say itself (0 says that there is none)."""
        return self.model_copy(update={"surcharges": {place: SURCHARGE} | self.surcharges})

    def in_region(self) -> Price:
        """The price at a regional address: the surcharge is known beforehand, and is in every number."""
        more = self.surcharges.get("regional", SURCHARGE)
        changes = tuple(each.model_copy(update={"tiers": _dearer(each.tiers, more)}) for each in self.changes)
        return self.model_copy(update={"tiers": _dearer(self.tiers, more), "changes": changes})

    def _dearest_input(self, input_bound: int) -> int:
        return max(tier.dearest_input for tier in self._reachable(input_bound))

    def _dearest_output(self, input_bound: int) -> int:
        return max(tier.output for tier in self._reachable(input_bound))

    def _reachable(self, input_bound: int) -> list[Tier]:
        return [tier for tier in self.tiers if tier.above == 0 or input_bound > tier.above]


def _with(per_mille: int, nano: int) -> int:
    return -(-nano * (1000 + per_mille) // 1000)


def _dearer(tiers: tuple[Tier, ...], per_mille: int) -> tuple[Tier, ...]:
    prices = ("input", "output", "cached", "write")
    return tuple(
        tier.model_copy(update={name: _with(per_mille, getattr(tier, name)) for name in prices}) for tier in tiers
    )


class UnknownPrice(NotConfigured):
    """Nothing is asked of a model whose price nobody wrote down."""


class PriceList:
    """What is known of prices in one world."""

    def __init__(self, entries: Mapping[str, Price]) -> None:
        """An entry of Anthropic's that does not say what the US cost more gets the surcharge of all of them."""
        self._entries = {
            name: price.with_surcharge("us") if name.startswith("anthropic:") else price
            for name, price in entries.items()
        }

    def __contains__(self, model: str) -> bool:
        return model in self._entries

    def known(self, now: int) -> tuple[str, ...]:
        """Names of the models that can be paid for and are not turned off, in the file's order."""
        return tuple(name for name, price in self._entries.items() if not price.retired(now))

    def of(self, model: str, now: int) -> Price:
        """The price that counts now (UTC ms). Raises UnknownPrice for a model without one, or one that is turned off."""
        price = self._entries.get(model)
        advice = f"choose one of: {', '.join(self.known(now))}; or set PERSEVERE_PRICES to a file with its price"
        if price is None:
            raise UnknownPrice(f"no price is known for the model {model!r}", advice)
        if price.retired(now):
            raise UnknownPrice(f"the provider has turned off the model {model!r} on {price.retires}", advice)
        return price.on(now)

    def with_more(self, entries: Mapping[str, Price]) -> PriceList:
        """These entries beside the ones that are there, or in their place."""
        return PriceList(self._entries | dict(entries))

    def at_address(self, openai: str | None) -> PriceList:
        """With OpenAI's surcharge where its address is a regional one, such as https://eu.api.openai.com/v1."""
        host = (urlsplit(openai).hostname or "") if openai else ""
        if not host.endswith(".api.openai.com"):
            return self
        regional = {name: price.in_region() for name, price in self._entries.items() if name.startswith("openai:")}
        return self.with_more(regional)


@cache
def published() -> PriceList:
    """The prices that come with this version."""
    document = json.loads((Path(__file__).parent / "prices.json").read_text("utf-8"))
    return PriceList({name: Price.model_validate(entry) for name, entry in document["models"].items()})
