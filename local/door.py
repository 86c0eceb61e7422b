"""The webhook door of one machine: the table and the App's secret, without the rest of the world."""

from __future__ import annotations

import os
from pathlib import Path

from functions.github_webhook.webhook import Door
from local.clock import SystemClock
from local.ids import SystemIds
from local.keyring import Keyring
from local.store import SqliteStore


def build_door() -> Door:
    """From PERSEVERE_HOME and PERSEVERE_COMMAND alone; `shared/settings.py` costs a door more than it needs."""
    home = Path(os.environ["PERSEVERE_HOME"])
    app = Keyring(home).app()
    clock = SystemClock()
    return Door(
        clock=clock,
        ids=SystemIds(),
        store=SqliteStore(home / "persevere.db", clock),
        secrets=(app.webhook_secret.encode(),),
        app_id=app.id,
        command=os.environ.get("PERSEVERE_COMMAND", "/persevere"),
    )
