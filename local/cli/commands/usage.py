"""`persevere usage`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import JsonObject

SHORT = "What models have cost, by day, repository or model."


def usage(
    by: Annotated[str, typer.Option("--by", help="day, repository, issue or model")] = "day",
    json: JsonObject = False,
) -> None:
    """What models have cost in PERSEVERE_HOME. With --by issue also what was spent of each approved limit."""
    from local.cli import spending

    spending.usage(os.environ, by, json_line=json)
