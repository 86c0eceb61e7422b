"""The ports of a function on AWS. What a function was not given, it finds out only when it asks for it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from functions.aws.settings import app_id, operator, settings
from functions.aws.surroundings import Keys, endpoint, region, wanted
from functions.world import World
from shared.aws.blobs import S3Blobs, s3_client
from shared.aws.invoke import LambdaDeliveries, LambdaPlanner, LambdaTokens
from shared.aws.store import DynamoStore
from shared.aws.tasks import EcsTasks, Place
from shared.clock import SystemClock
from shared.github.purposes import GIVEN_AWAY, READING, WRITING
from shared.ids import SystemIds
from shared.llm.models import Models

TASK_API = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
CALLS = Config(connect_timeout=2, read_timeout=35, retries={"mode": "standard", "total_max_attempts": 2})


def build() -> World:
    """For all functions but the door and the two that mint. Without models: who asks them adds them.

    Raises NotConfigured.
    """
    chosen, clock, ids = settings(), SystemClock(), SystemIds()
    functions = LazyClient("lambda", CALLS)
    minters = dict.fromkeys(READING, wanted("PERSEVERE_TOKENS_READ")) | dict.fromkeys(
        WRITING, wanted("PERSEVERE_TOKENS_WRITE")
    )
    return World(
        clock=clock,
        ids=ids,
        store=DynamoStore(wanted("PERSEVERE_TABLE"), region(), clock, endpoint()),
        blobs=S3Blobs(wanted("PERSEVERE_BUCKET"), LazyBucket()),
        tasks=EcsTasks(_place(), LazyClient("ecs", TASK_API)),
        planner=LambdaPlanner(functions, wanted("PERSEVERE_PLANNER_FUNCTION")),
        tokens=LambdaTokens(functions, minters, GIVEN_AWAY, clock),
        deliveries=LambdaDeliveries(functions, wanted("PERSEVERE_TOKENS_READ")),
        models=Models({}),
        operator=operator(chosen, clock.now()),
        webhook_secrets=Keys("PERSEVERE_WEBHOOK_SECRET"),
        ticket_keys=Keys("PERSEVERE_KEYS_SECRET", "ticket"),
        marker_keys=Keys("PERSEVERE_KEYS_SECRET", "marker"),
        github_url=chosen.github_url,
        api_url=os.environ.get("PERSEVERE_GITHUB_API_URL") or chosen.github_api_url,
        app_id=app_id(),
        write_pace_s=chosen.write_pace_s,
    )


def _place() -> Place:
    return Place(
        cluster=wanted("PERSEVERE_CLUSTER"),
        task_definition=wanted("PERSEVERE_TASK_DEFINITION"),
        subnets=tuple(each for each in wanted("PERSEVERE_SUBNETS").split(",") if each),
        security_group=wanted("PERSEVERE_SECURITY_GROUP"),
        api=os.environ.get("PERSEVERE_JOB_API_URL", "").rstrip(
            "/"
        ),  # job_api itself, which is not told, starts nothing
        spot=os.environ.get("PERSEVERE_SPOT", "1") != "0",
    )


class LazyClient:
    """A boto3 client that is made when first used: each costs a cold start tens of milliseconds."""

    def __init__(self, service: str, config: Config) -> None:
        self._service = service
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @cached_property
    def _client(self) -> Any:
        return boto3.client(self._service, region_name=region(), endpoint_url=endpoint(), config=self._config)


class LazyBucket(LazyClient):
    """S3, or by `PERSEVERE_BLOBS_URL` what speaks its protocol."""

    def __init__(self) -> None:
        super().__init__("s3", CALLS)

    @cached_property
    def _client(self) -> Any:
        return s3_client(region(), os.environ.get("PERSEVERE_BLOBS_URL") or endpoint())
