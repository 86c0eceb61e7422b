"""The operator's settings on AWS: the same variables as everywhere, set by the stack."""

from __future__ import annotations

import os

from shared.domain.operator import Operator
from shared.llm.choice import Wanted, choose, offers
from shared.llm.prices import PriceList, published
from shared.llm.prices_file import read_prices
from shared.llm.smallest_step import smallest_step_nano
from shared.settings import Settings, read


def settings() -> Settings:
    """A function has no home; what a local world keeps there is in the table, the bucket and the secrets."""
    told = {"PERSEVERE_HOME": "/tmp", **os.environ}
    if "PERSEVERE_PRICES" in told:  # a file in the package, wherever that was unpacked
        told["PERSEVERE_PRICES"] = os.path.join(told.get("LAMBDA_TASK_ROOT", ""), told["PERSEVERE_PRICES"])
    return read(told)


def app_id() -> int:
    """0 until the App was made: the stack is deployed first, since the App wants its webhook's address."""
    return int(os.environ.get("PERSEVERE_APP_ID") or 0)


def prices_of(chosen: Settings) -> PriceList:
    """The published prices, with the operator's own (a file in the package) in their place. Raises NotConfigured."""
    prices = published() if chosen.prices is None else published().with_more(read_prices(chosen.prices))
    return prices.at_address(chosen.urls.get("openai"))


def operator(chosen: Settings, now: int) -> Operator:
    """Defaults, with what the environment says instead. Raises NotConfigured for a model that cannot be paid for.

    Most functions may not look into the secret with the providers' keys, so a provider counts as here when a model of
    it is named; `persevere doctor` looks whether its key is there. Without a model nothing is built.
    """
    about = {
        "command": chosen.command,
        "app_id": app_id(),
        "app_slug": os.environ.get("PERSEVERE_APP_SLUG") or "persevere",
        "public_url": chosen.public_url,
        "quiet_s": chosen.quiet_s,
    }
    if not chosen.model:
        return Operator.model_validate(about | chosen.ceilings)
    prices = prices_of(chosen)
    named = (chosen.model, *(chosen.fallbacks or ()), *chosen.models)
    providers = tuple(dict.fromkeys(each.partition(":")[0] for each in named))
    choice = choose(Wanted(chosen.model, chosen.fallbacks or (), chosen.models), providers, prices, now)
    about |= {
        "model": choice.model,
        "models": choice.models,
        "offers": offers(choice, prices, now),
        "fallbacks": choice.fallbacks,
        "smallest_step_nano": smallest_step_nano(prices.of(choice.model, now)),
        "model_shown": choice.model,
    }
    return Operator.model_validate(about | chosen.ceilings)
