"""`persevere up`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import JsonLines

SHORT = "Work on your repositories, from this machine."


def up(
    url: Annotated[
        str | None,
        typer.Option(metavar="https://...", help="A tunnel's address that leads here; GitHub then calls by webhook."),
    ] = None,
    json: JsonLines = False,
) -> None:
    """Listen to GitHub as your App, and do what people ask for, until Ctrl-C.

    Needs no public address: without one GitHub is asked every ten seconds (PERSEVERE_POLL_S). Only one can be at work
    in a PERSEVERE_HOME. What is not finished goes on at the next start.
    """
    from local.cli.addresses import public_address
    from local.up.run import up as run

    raise typer.Exit(run(os.environ, public_address(url), json_lines=json))
