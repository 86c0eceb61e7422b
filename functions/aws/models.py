"""The models that a function with the providers' keys may ask. Only the provider in use is imported."""

from __future__ import annotations

from collections.abc import Callable

from functions.aws.settings import prices_of
from functions.aws.surroundings import secret_values, wanted
from shared.errors import NotConfigured
from shared.llm.models import Models
from shared.llm.providers import PROVIDERS, Access, open_model
from shared.ports import Model
from shared.settings import Settings


def models(chosen: Settings) -> Models:
    """Nothing is read before a model is asked for the first time."""

    def maker(provider: str) -> Callable[[str], Model]:
        return lambda name: open_model(name, Access(_key(provider), chosen.urls.get(provider)))

    return Models({provider: maker(provider) for provider in PROVIDERS}, prices_of(chosen))


def _key(provider: str) -> str:
    """From the one secret: a JSON object, a key by provider. Raises NotConfigured, Retryable."""
    keys = secret_values().read(wanted("PERSEVERE_MODEL_SECRET"))
    if not isinstance(keys, dict):
        raise NotConfigured("the secret with the models' keys is no JSON object", "run `persevere init --models`")
    return str(keys.get(provider) or "")
