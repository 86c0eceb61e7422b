"""The providers of models, and what opens one of their models. Only the provider in use is imported."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.errors import NotConfigured
from shared.llm.access import Access
from shared.llm.without_private import Forgiving
from shared.ports import Model
from shared.settings import KEY_NAMES, URL_NAMES

PROVIDERS: tuple[str, ...] = ("anthropic", "openai", "gemini", "compatible")


def open_model(name: str, access: Access) -> Model:
    """What speaks with the model `<provider>:<model>`. No request is made. Raises NotConfigured with what to set."""
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS or not model:
        known = ", ".join(f"{each}:<model>" for each in PROVIDERS)
        raise NotConfigured(f"{name!r} names no model", f"a model is one of {known}")
    if not access.key and provider != "compatible":
        raise NotConfigured(f"there is no key for {provider}", f"set {KEY_NAMES[provider]}")
    if provider == "compatible" and not access.base_url:
        raise NotConfigured(
            f"{name} is at no address", f"set {URL_NAMES[provider]}, for example http://127.0.0.1:11434/v1"
        )
    if not access.key.isascii() or not access.key.isprintable():
        raise NotConfigured(
            f"the key for {provider} has a character that no key has", f"set {KEY_NAMES[provider]} anew"
        )
    if access.base_url and not _is_address(access.base_url):
        raise NotConfigured(f"{access.base_url!r} is no address of {provider}", f"set {URL_NAMES[provider]}")
    return Forgiving(_opened(provider, model, access))


def _opened(provider: str, model: str, access: Access) -> Model:
    match provider:
        case "anthropic":
            from shared.llm.anthropic_model import AnthropicModel

            return AnthropicModel(model, access)
        case "openai":
            from shared.llm.openai_model import OpenAIModel

            return OpenAIModel(model, access)
        case "gemini":
            from shared.llm.gemini_model import GeminiModel

            return GeminiModel(model, access)
        case _:
            from shared.llm.compatible_model import CompatibleModel

            return CompatibleModel(model, access)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
