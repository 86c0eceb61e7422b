"""The models that a function with the providers' keys may ask. Only the provider in use is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.aws.settings import prices_of
from functions.aws.surroundings import secret_values, wanted
from shared.errors import NotConfigured
from shared.llm.access import Access
from shared.llm.models import Models
from shared.llm.prices import PriceList
from shared.llm.providers import PROVIDERS, open_model
from shared.ports import Model
from shared.settings import Settings


class FreshModels(Models):
    """`Models` that are made anew once their provider's key is another one: a container may outlive a key by hours."""

    def __init__(
        self, makers: Mapping[str, Callable[[str], Model]], prices: PriceList, key_of: Callable[[str], str]
    ) -> None:
        super().__init__(makers, prices)
        self._key_of = key_of
        self._made_with: dict[str, str] = {}

    def get(self, name: str) -> Model:
        """As `Models`; raises Retryable, too, while a key cannot be read for the first time."""
        provider = name.partition(":")[0]
        if provider in PROVIDERS and (key := self._key_of(provider)) != self._made_with.get(name):
            self._made.pop(name, None)
            self._made_with[name] = key
        return super().get(name)


def models(chosen: Settings) -> Models:
    """Nothing is read before a model is asked for the first time."""

    def maker(provider: str) -> Callable[[str], Model]:
        return lambda name: open_model(name, Access(_key(provider), chosen.urls.get(provider)))

    return FreshModels({provider: maker(provider) for provider in PROVIDERS}, prices_of(chosen), _key)


def _key(provider: str) -> str:
    """From the one secret: a JSON object, a key by provider. Raises NotConfigured, Retryable."""
    keys = secret_values().read(wanted("PERSEVERE_MODEL_SECRET"))
    if not isinstance(keys, dict):
        raise NotConfigured("the secret with the models' keys is no JSON object", "run `persevere init --models`")
    return str(keys.get(provider) or "")
