"""A conversation file that is served in a provider's own format: `--through`."""

from __future__ import annotations

from shared.errors import NotConfigured
from shared.llm.providers import PROVIDERS


def check_through(provider: str) -> str:
    """Raises NotConfigured for a provider that there is not. Empty: the conversation is read inside of the host."""
    if provider and provider not in PROVIDERS:
        raise NotConfigured(f"there is no provider {provider!r}", f"--through takes {', '.join(PROVIDERS)}")
    return provider


def through_words(provider: str) -> str:
    return f", served in the format of {provider}" if provider else ""
