"""What a model costs, in integer nano-dollars per token. A model without a price here is refused.

`prices.json` has one entry a model: tiers by the size of the whole input (a tier's price holds for all tokens of a
request whose input is above it), the place where the price is published, and the day on which somebody looked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

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


class Price(Strict):
    """One model. `window` is input and output together, in tokens, where the provider counts them so."""

    window: int = Field(gt=0)
    max_output: int = Field(gt=0)
    tiers: tuple[Tier, ...] = Field(min_length=1)
    source: str
    checked: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")

    def tier(self, input_tokens: int) -> Tier:
        return [tier for tier in self.tiers if tier.above == 0 or input_tokens > tier.above][-1]

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of a finished call. Parts that a provider left out or garbled count as plain input."""
        tier = self.tier(usage.input)
        cached = min(max(usage.cached, 0), max(usage.input, 0))
        written = min(max(usage.written, 0), max(usage.input, 0) - cached)
        plain = max(usage.input, 0) - cached - written
        return plain * tier.input + cached * tier.cached + written * tier.write + max(usage.output, 0) * tier.output

    def worst(self, input_bound: int, max_output: int) -> int:
        """Nano-dollars that a call can cost at most: every token at the dearest rate that may apply to it."""
        return input_bound * self._dearest_input(input_bound) + max_output * self._dearest_output(input_bound)

    def affordable_output(self, input_bound: int, nano: int) -> int:
        """Output tokens that `nano` pays for beside the worst case of the input; negative when not even that fits."""
        return (nano - self.worst(input_bound, 0)) // self._dearest_output(input_bound)

    def least(self, input_bytes: int, output_bytes: int) -> int:
        """Nano-dollars that a call with such texts costs at least: 16 bytes a token, all of it read from a cache."""
        tier = self.tiers[0]
        return input_bytes // 16 * min(tier.cached, tier.input) + output_bytes // 16 * tier.output

    def _dearest_input(self, input_bound: int) -> int:
        return max(tier.dearest_input for tier in self._reachable(input_bound))

    def _dearest_output(self, input_bound: int) -> int:
        return max(tier.output for tier in self._reachable(input_bound))

    def _reachable(self, input_bound: int) -> list[Tier]:
        return [tier for tier in self.tiers if tier.above == 0 or input_bound > tier.above]


class UnknownPrice(NotConfigured):
    """Nothing is asked of a model whose price nobody wrote down."""


@cache
def price_list() -> Mapping[str, Price]:
    """Every model that has a price, by `<provider>:<name>`."""
    document = json.loads((Path(__file__).parent / "prices.json").read_text("utf-8"))
    return {name: Price.model_validate(entry) for name, entry in document["models"].items()}


def price_of(model: str) -> Price:
    """Raises UnknownPrice."""
    try:
        return price_list()[model]
    except KeyError:
        known = ", ".join(price_list())
        raise UnknownPrice(f"no price is known for the model {model!r}", f"choose one of: {known}") from None
