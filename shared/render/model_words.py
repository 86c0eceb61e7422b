"""Models, their prices and their providers' trouble, in the one form of every text."""

from __future__ import annotations

from shared.domain.chosen import chosen_model, roughly_buys
from shared.domain.ledger import Ledger
from shared.domain.money import dollars
from shared.domain.operator import Offer
from shared.domain.provider_words import IS, clock_of, out_words, provider_of
from shared.domain.view import View
from shared.render.markdown import prose

WAIT_SHOWN_MS = 60_000  # a provider that puts us off for less is not worth a line


def price_words(offer: Offer) -> str:
    """`$2.00 in, $10.00 out per million tokens`."""
    return f"{_per_million(offer.input)} in, {_per_million(offer.output)} out per million tokens"


def _per_million(nano: int) -> str:
    thousandths = nano  # nano-dollars per token are thousandths of a dollar per million
    return f"${thousandths / 1000:.2f}" if thousandths % 10 == 0 else f"${thousandths / 1000:.3f}"


def chosen_words(name: str, view: View) -> str:
    """What a model costs, and what this issue's money buys of it, roughly."""
    offer = view.operator.offer(name)
    if offer is None:
        return ""
    record = view.approved or view.spec
    nano = record.spec.limits.nano if record is not None else view.operator.job_nano
    steps = roughly_buys(offer, nano)
    return f"{price_words(offer)}; {dollars(nano)} is roughly {steps} steps of it" if steps else price_words(offer)


def model_shown(view: View) -> str:
    """The model of the newest build, else the one that the next work is for."""
    operator = view.operator
    job = view.build or view.job
    return operator.shown((job.model if job else "") or chosen_model(view.issue, operator))


def models_used(view: View) -> str:
    """Every model that answered in the newest build, in order: one, unless a provider was out."""
    asked = [step.asking.model for step in view.steps if step.asking is not None and step.raw is not None]
    names = list(dict.fromkeys(each for each in asked if each))
    if len(names) < 2:
        return prose(model_shown(view), 80)
    return ", then ".join(prose(view.operator.shown(each), 60) for each in names)


def cached_share(ledger: Ledger) -> str:
    """`91 %` of what the models read came from the providers' caches; "" while nothing was read."""
    if not ledger.read_tokens:
        return ""
    return f"{min(100, ledger.cached_tokens * 100 // ledger.read_tokens)} %"


def trouble(view: View, now: int) -> str:
    """A line while a provider keeps us waiting, or while another model goes on in its place; else ""."""
    asking = view.asking
    if asking is None:
        return ""
    open_ask = view.steps[-1].reply is None if view.steps and not view.issue.planning else bool(view.issue.planning)
    if open_ask and asking.busy_since and asking.until - asking.busy_since >= WAIT_SHOWN_MS:
        who, still = provider_of(asking.model), "" if view.issue.planning else ", and the clock stands still"
        is_so = IS.get(asking.busy, "does not answer")
        others = [out_words(each) for each in asking.outs if each.model != asking.model]
        also = f" {'; '.join(others)}." if others else ""
        return (
            f"**Waiting for {who}**: it {is_so} since {clock_of(asking.busy_since)}; next try at "
            f"{clock_of(asking.until)}.{also} No money is spent meanwhile{still}."
        )
    if asking.outs and asking.model:
        gone = "; ".join(out_words(each) for each in asking.outs)
        return f"{gone}: going on with {prose(view.operator.shown(asking.model), 60)}."
    return ""
