"""The webhook door on AWS. Its cold start is a person's wait, so it loads neither botocore nor pydantic."""

from __future__ import annotations

import os

from functions.aws.surroundings import Keys, endpoint, region, wanted
from functions.github_webhook.webhook import Door
from shared.aws.door_store import DoorStore
from shared.aws.signed import dynamodb
from shared.clock import SystemClock
from shared.ids import SystemIds


def build_door() -> Door:
    """Raises NotConfigured. The webhook's secrets are read when the first delivery comes."""
    clock = SystemClock()
    return Door(
        clock=clock,
        ids=SystemIds(),
        store=DoorStore(wanted("PERSEVERE_TABLE"), dynamodb(region(), endpoint()), clock),
        secrets=Keys("PERSEVERE_WEBHOOK_SECRET"),
        app_id=int(os.environ.get("PERSEVERE_APP_ID") or 0),
        command=os.environ.get("PERSEVERE_COMMAND") or "/persevere",
    )
