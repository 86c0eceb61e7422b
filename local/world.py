"""The ports of one machine: SQLite, files, subprocesses, a scripted model, and GitHub or its simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from functions.world import World
from local.clock import SystemClock
from local.home import open_blobs, open_store
from local.http_server import BLOBS_PATH
from local.ids import SystemIds
from local.keyring import Keyring
from local.planner import Handler, ThreadPlanner
from local.tasks import SubprocessTasks
from runner_image.sandbox.container import FOR_THE_CLIENT
from runner_image.sandbox.environment import OUTWARD
from shared.domain.operator import Operator
from shared.github.app_tokens import AppTokens
from shared.github.deliveries import AppDeliveries
from shared.github.wire import Wire
from shared.llm.access import Access
from shared.llm.choice import SCRIPTED, Wanted, choose, offers
from shared.llm.models import Models
from shared.llm.prices import PriceList, published
from shared.llm.prices_file import read_prices
from shared.llm.providers import PROVIDERS, open_model
from shared.llm.smallest_step import smallest_step_nano
from shared.ports import Model
from shared.settings import Settings

DEFAULT_PORT = 8930


def build(settings: Settings, host_url: str | None = None) -> World:
    """The world of `PERSEVERE_HOME`. `host_url` is where the host answers, as runners here reach it.

    Raises NotConfigured where there is no App yet, or the settings do not fit together.
    """
    clock, ids = SystemClock(), SystemIds()
    keyring = Keyring(settings.home)
    app = keyring.app()
    here = host_url or f"http://127.0.0.1:{settings.port or DEFAULT_PORT}"
    api = settings.github_url if settings.world == "sim" else settings.github_api_url
    wire = Wire(clock, api)
    tokens = AppTokens(wire, clock, ids, str(app.id), app.private_key)
    return World(
        clock=clock,
        ids=ids,
        store=open_store(settings.home),
        blobs=open_blobs(settings.home, clock, f"{here}{BLOBS_PATH}", keyring.key("blobs")),
        tasks=SubprocessTasks(settings.home, here, clock, extra=runner_environment(settings, os.environ)),
        planner=ThreadPlanner(_planner_handler),
        tokens=tokens,
        deliveries=AppDeliveries(wire, tokens),
        models=models_of(settings),
        operator=operator_of(settings, app.id, app.slug, clock.now()),
        webhook_secrets=(app.webhook_secret.encode(),),
        ticket_keys=(keyring.key("ticket"),),
        marker_keys=(keyring.key("marker"),),
        github_url=settings.github_url,
        api_url=api,
        app_id=app.id,
        write_pace_s=settings.write_pace_s,
    )


FOR_THE_SANDBOX = ("PERSEVERE_IMAGE", "PERSEVERE_WORK")


def runner_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """What a runner is told beside where to claim: the sandbox, the interpreter, and how to reach package indexes."""
    told = {name: value for name, value in environment.items() if OUTWARD.fullmatch(name)}
    # HOME is also where pip's own settings are looked for.
    told |= {name: environment[name] for name in (*FOR_THE_CLIENT, *FOR_THE_SANDBOX) if name in environment}
    if settings.sandbox:
        told["PERSEVERE_SANDBOX"] = settings.sandbox
    if settings.python:
        told["PERSEVERE_PYTHON"] = str(settings.python)
    return told


def models_of(settings: Settings) -> Models:
    """Every model that this world can ask, with prices; nothing is imported of a provider before it is asked."""

    def scripted(name: str) -> Model:
        from local.scripted_model import ScriptedModel
        from shared.errors import NotConfigured

        if settings.script is None:
            raise NotConfigured(f"the model {name} needs a conversation file", "set PERSEVERE_SCRIPT to one")
        return ScriptedModel.load(settings.script)

    def maker(provider: str) -> Callable[[str], Model]:
        key = settings.keys.get(provider)
        access = Access(key.get_secret_value() if key else "", settings.urls.get(provider))
        return lambda name: open_model(name, access)

    makers = {provider: maker(provider) for provider in providers_of(settings) if provider in PROVIDERS}
    return Models(makers | {SCRIPTED.partition(":")[0]: scripted}, prices_of(settings))


def providers_of(settings: Settings) -> tuple[str, ...]:
    """The providers that can be asked: those with a key, an address for `compatible`, `scripted` where there is a script."""
    scripted = ("scripted",) if settings.script is not None or settings.model.startswith("scripted") else ()
    return scripted + tuple(
        each for each in PROVIDERS if (each in settings.urls if each == "compatible" else each in settings.keys)
    )


def prices_of(settings: Settings) -> PriceList:
    """The published prices, with the operator's own in their place. Raises NotConfigured with file and line."""
    prices = published() if settings.prices is None else published().with_more(read_prices(settings.prices))
    return prices.at_address(settings.urls.get("openai"))


def operator_of(settings: Settings, app_id: int, app_slug: str, now: int) -> Operator:
    """Defaults, with what the environment says instead. Raises NotConfigured for a model that cannot be had or paid."""
    prices = prices_of(settings)
    choice = choose(Wanted(settings.model, settings.fallbacks, settings.models), providers_of(settings), prices, now)
    chosen = {
        "command": settings.command,
        "app_id": app_id,
        "app_slug": app_slug,
        "public_url": settings.public_url,
        "model": choice.model,
        "models": choice.models,
        "offers": offers(choice, prices, now),
        "fallbacks": choice.fallbacks,
        "smallest_step_nano": smallest_step_nano(prices.of(choice.model, now)),
        "quiet_s": settings.quiet_s,
        "model_shown": "a scripted conversation" if choice.model == SCRIPTED else choice.model,
    }
    return Operator.model_validate(chosen | settings.ceilings)


def _planner_handler() -> Handler:
    from functions.planner.handler import handler

    return handler
