"""Whether there is a model to ask, in one line for people."""

from __future__ import annotations

from shared.clock import SystemClock
from shared.domain.operator import Operator
from shared.errors import Final
from shared.settings import Settings

ADVICE = "set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY; `persevere doctor` tries it"


def operator_here(settings: Settings) -> Operator:
    """The operator's choices, without an App. Raises NotConfigured for a model that cannot be had or paid."""
    from local.world import operator_of

    return operator_of(settings, 0, "persevere", SystemClock().now())


def model_key(settings: Settings) -> str:
    """What `up` would ask with the settings of now."""
    try:
        chosen = operator_here(settings)
    except Final as error:
        return f"Model key: none that can be used ({error}). {error.advice or ADVICE}"
    return f"Model: {chosen.model_shown}"
