"""From a model's name, `<provider>:<name>`, to what speaks with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.ports import Model, ModelFailed

COMING = ("anthropic", "openai", "gemini")


class Models:
    """The models of one world. `makers` makes an adapter from the whole name, by provider; made once each."""

    def __init__(self, makers: Mapping[str, Callable[[str], Model]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Model] = {}

    def get(self, name: str) -> Model:
        """Raises ModelFailed when no such provider is here."""
        if name not in self._made:
            provider, separator, _ = name.partition(":")
            maker = self._makers.get(provider)
            if maker is None or not separator:
                raise ModelFailed(f"the model {name!r} cannot be asked here", self._advice(provider))
            self._made[name] = maker(name)
        return self._made[name]

    def _advice(self, provider: str) -> str:
        here = ", ".join(f"{each}:<name>" for each in sorted(self._makers)) or "none"
        if provider in COMING:
            return f"the provider {provider} is not part of this version; what can be asked here: {here}"
        return f"a model is named <provider>:<name>; what can be asked here: {here}"
