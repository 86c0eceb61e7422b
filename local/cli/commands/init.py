"""`persevere init`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import JsonObject

SHORT = "A GitHub App of your own, in two clicks."


def init(
    local: Annotated[bool, typer.Option("--local", help="For `persevere up` on this machine.")] = False,
    org: Annotated[str | None, typer.Option(metavar="NAME", help="The App belongs to this organisation.")] = None,
    name: Annotated[str, typer.Option(help="What the App is called; GitHub wants it unique.")] = "",
    url: Annotated[
        str | None, typer.Option(metavar="https://...", help="A public address of yours, such as a tunnel's.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Make another App; the file of this one is kept.")] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or print the address.")
    ] = True,
    port: Annotated[int, typer.Option(help="Of the page on 127.0.0.1 (0: a free one).", min=0, max=65535)] = 0,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long a click may take.", min=1)] = 900.0,
    json: JsonObject = False,
) -> None:
    """Make a GitHub App by manifest and keep its key here: two clicks in a browser, no form.

    The key and the ids go to one file in PERSEVERE_HOME that only you can read, and that must lie outside of any
    repository. Ends with 0 when the App is installed somewhere, 3 when it is made and not installed yet.
    """
    from local.cli.addresses import public_address
    from local.setup.init import Choices
    from local.setup.init import init as run

    if not local:
        raise typer.BadParameter("this version sets up one machine: persevere init --local")
    choices = Choices(name, org, public_address(url), again, browser, port, wait)
    raise typer.Exit(run(os.environ, choices, json_line=json))
