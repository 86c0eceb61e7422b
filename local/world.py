"""The ports of one machine: SQLite, files, subprocesses, a scripted model, and GitHub or its simulator."""

from __future__ import annotations

import os
from collections.abc import Mapping

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
from shared.llm.gateway import OUTPUT_MIN
from shared.llm.models import Models
from shared.llm.prices import price_of
from shared.ports import Model
from shared.settings import Settings

SCRIPTED = "scripted:demo"
DEFAULT_PORT = 8930
PROMPT_TOKENS = 4_000
"""What the first request of a build holds at least, counted as the gateway does: a byte more than a real token."""


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
        operator=operator_of(settings, app.id, app.slug),
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
    """Every model that this world knows."""

    def scripted(name: str) -> Model:
        from local.scripted_model import ScriptedModel
        from shared.errors import NotConfigured

        if settings.script is None:
            raise NotConfigured(f"the model {name} needs a conversation file", "set PERSEVERE_SCRIPT to one")
        return ScriptedModel.load(settings.script)

    return Models({SCRIPTED.partition(":")[0]: scripted})


def operator_of(settings: Settings, app_id: int, app_slug: str) -> Operator:
    """Defaults, with what the environment says instead."""
    model = settings.model or SCRIPTED
    least = price_of(model).worst(PROMPT_TOKENS, OUTPUT_MIN)
    return Operator(
        command=settings.command,
        app_id=app_id,
        app_slug=app_slug,
        public_url=settings.public_url,
        model=model,
        models=(model,),
        smallest_step_nano=least,
        quiet_s=settings.quiet_s,
        model_shown="a scripted conversation" if model == SCRIPTED else model,
    )


def _planner_handler() -> Handler:
    from functions.planner.handler import handler

    return handler
