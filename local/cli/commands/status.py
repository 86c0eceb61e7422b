"""`persevere status`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

SHORT = "Issues, jobs and money of PERSEVERE_HOME."


def status(json: Annotated[bool, typer.Option("--json", help="A list, on one line.")] = False) -> None:
    """Every issue of PERSEVERE_HOME: where it stands, its jobs, its money.

    After `persevere demo --keep` that is .demo/home, after `persevere case` it is case/home below PERSEVERE_HOME.
    """
    from local.cli import looking

    looking.status(os.environ, json_line=json)
