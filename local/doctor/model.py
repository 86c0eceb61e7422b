"""Whether there is a model, what it costs, and whether its provider takes the key. Nothing here costs money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from local.doctor.finding import Context, Finding, NotAsked, fail, ok, warn
from local.setup.model_key import ADVICE, operator_here
from shared.domain.money import dollars, minutes
from shared.errors import Final

TIMEOUT_S = 10.0
# The list of models of each provider: where it is, and how a key is shown to it. Their own API references.
LISTS: Mapping[str, tuple[str, str, str]] = {
    "anthropic": ("https://api.anthropic.com", "/v1/models?limit=1000", "x-api-key"),
    "openai": ("https://api.openai.com/v1", "/models", "authorization"),
    "gemini": ("https://generativelanguage.googleapis.com", "/v1beta/models?pageSize=1000", "x-goog-api-key"),
}


def model(context: Context) -> Finding:
    """A model that can be asked and has a price."""
    try:
        chosen = operator_here(context.settings)
    except Final as error:
        return fail(str(error), error.advice or ADVICE)
    if chosen.model.startswith("scripted:"):
        if context.settings.script is None:
            return fail("no model is chosen", ADVICE)
        return warn("a scripted conversation, which is no model", ADVICE)
    return ok(f"{chosen.model}, its price is known")


def key(context: Context) -> Finding:
    """Whether the provider takes the key and has the model: its list of models is free to ask."""
    try:
        provider, _, name = operator_here(context.settings).model.partition(":")
    except Final as error:
        raise NotAsked from error
    if provider not in LISTS:
        raise NotAsked
    secret = context.settings.keys.get(provider)
    if secret is None:
        return fail(f"there is no key for {provider}", ADVICE)
    base = context.settings.urls.get(provider)
    return try_key(provider, name, secret.get_secret_value(), base)


def try_key(provider: str, name: str, value: str, base: str | None = None) -> Finding:
    """Ask the provider, at `base` or its own address, for its list of models."""
    own, path, header = LISTS[provider]
    base = base or own
    headers = {header: f"Bearer {value}" if header == "authorization" else value}
    if provider == "anthropic":
        headers["anthropic-version"] = "2023-06-01"
    try:
        answer = requests.get(f"{base}{path}", headers=headers, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        return fail(
            f"{provider} does not answer ({type(error).__name__})", "look at the network and the proxy variables"
        )
    if answer.status_code in (401, 403):
        return fail(
            f"{provider} refuses the key ({answer.status_code})", f"make a new key at {provider}'s console and set it"
        )
    if answer.status_code != 200:
        return warn(f"{provider} answers {answer.status_code}", "try again in some minutes")
    names = _names(answer)
    if names and name not in names:
        return fail(
            f"{provider} does not offer {name} to this key", f"choose one it has: {', '.join(sorted(names)[:5])} ..."
        )
    return ok(f"{provider} takes the key" + (f" and has {name}" if names else ""))


def _names(answer: requests.Response) -> set[str]:
    """The models of a list, in any of the three forms."""
    try:
        body: Any = answer.json()
        rows = body.get("data") or body.get("models") or []
        return {str(row.get("id") or row.get("name", "")).removeprefix("models/") for row in rows}
    except (ValueError, AttributeError):
        return set()


def limits(context: Context) -> Finding:
    try:
        operator = operator_here(context.settings)
    except Final as error:
        raise NotAsked from error
    day, month = (
        dollars(nano) if nano is not None else "unlimited" for nano in (operator.day_nano, operator.month_nano)
    )
    job = f"{dollars(operator.job_nano)} and {minutes(operator.job_seconds)} min a job"
    return ok(f"{job}, {day} a day, {month} a month")
