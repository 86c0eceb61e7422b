"""From a model's name, `<provider>:<name>`, to what speaks with it and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.llm.prices import Price, PriceList, published
from shared.ports import Model, ModelFailed


class Models:
    """The models of one world. `makers` makes an adapter from the whole name, by provider; made once each."""

    def __init__(self, makers: Mapping[str, Callable[[str], Model]], prices: PriceList | None = None) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Model] = {}
        self.prices = published() if prices is None else prices

    @property
    def any(self) -> bool:
        """Whether any can be asked here."""
        return bool(self._makers)

    def get(self, name: str) -> Model:
        """Raises ModelFailed when no such provider is here, NotConfigured when a setting of it is wrong."""
        if name not in self._made:
            provider, separator, _ = name.partition(":")
            maker = self._makers.get(provider)
            if maker is None or not separator:
                here = ", ".join(f"{each}:<name>" for each in sorted(self._makers)) or "none"
                raise ModelFailed(f"the model {name!r} cannot be asked here", f"what can be asked here: {here}", "key")
            self._made[name] = maker(name)
        return self._made[name]

    def price(self, name: str, now: int) -> Price:
        """What it costs now (UTC ms). Raises UnknownPrice."""
        return self.prices.of(name, now)
