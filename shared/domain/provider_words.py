"""Words for a provider that does not answer, in the one form that timeline, status and messages have."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.domain.step import Asking, Out

NAMES = {"anthropic": "Anthropic", "openai": "OpenAI", "gemini": "Gemini", "compatible": "the compatible endpoint"}

IS: dict[str, str] = {
    "rate": "takes no more requests",
    "overloaded": "is overloaded",
    "spend_cap": "has reached its spending limit",
    "key": "refuses the key",
    "model": "does not have the model",
}


OUT_CAUSES = frozenset({"busy", "key", "spend_cap"})  # a reply's, that pass without anything being changed here


def provider_of(model: str) -> str:
    """`Anthropic` of `anthropic:claude-…`."""
    provider = model.partition(":")[0]
    return NAMES.get(provider, provider)


def clock_of(at: int) -> str:
    """`12:04 UTC` of UTC milliseconds."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M} UTC"


def out_words(out: Out) -> str:
    """`Anthropic is overloaded since 12:04 UTC`."""
    return f"{provider_of(out.model)} {IS.get(out.cause, 'does not answer')} since {clock_of(out.since)}"


def trouble_words(asking: Asking, before: str) -> str:
    """What the timeline says: who is out since when, and who goes on or is waited for. `before` was asked just now."""
    if asking.busy_since:
        now = Out(model=asking.model, cause=asking.busy, since=asking.busy_since)
        return f"waiting for {provider_of(asking.model)}: {out_words(now)}; next try at {clock_of(asking.until)}"
    gone = next((each for each in reversed(asking.outs) if each.model == before), None)
    words = out_words(gone) if gone is not None else f"{provider_of(before)} does not answer"
    return f"{words}, going on with {asking.model}"
