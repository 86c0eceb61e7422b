"""`persevere init`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli.options import Aws, JsonObject, Region, Stack

if TYPE_CHECKING:
    from local.setup.init import Choices

SHORT = "A GitHub App of your own, in two clicks."


def init(
    local: Annotated[bool, typer.Option("--local", help="For `persevere up` on this machine.")] = False,
    aws: Aws = False,
    models: Annotated[
        bool, typer.Option("--models", help="With --aws: store the providers' keys of this environment.")
    ] = False,
    webhook: Annotated[
        bool, typer.Option("--webhook", help="With --aws: give GitHub the door's address and a new secret.")
    ] = False,
    keys: Annotated[bool, typer.Option("--keys", help="With --aws: make the signing keys that are missing.")] = False,
    stack: Stack = "Persevere",
    region: Region = "",
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

    if local and aws:
        raise typer.BadParameter("--local or --aws: an App works in one place, the other needs one of its own")
    choices = Choices(name, org, public_address(url), again, browser, port, wait)
    if aws:
        raise typer.Exit(_on_aws(choices, stack, region, models=models, webhook=webhook, keys=keys))
    if not local:
        raise typer.BadParameter("where is it to work? persevere init --local, or, after `persevere deploy`, --aws")
    raise typer.Exit(run(os.environ, choices, json_line=json))


def _on_aws(choices: Choices, stack: str, region: str, *, models: bool, webhook: bool, keys: bool) -> int:
    from local.cloud.init import init_app, point_webhook, set_models
    from local.cloud.installation import Installation
    from local.cloud.secrets import make_missing_keys
    from local.trial.terminal import Terminal

    terminal = Terminal(sys.stdout)
    installation = Installation(stack, region, os.environ.get("AWS_ENDPOINT_URL"), os.environ)
    if models:
        return set_models(installation, os.environ, terminal)
    if webhook:
        return point_webhook(installation, os.environ, terminal)
    if keys:
        terminal.line(f"  Made: {', '.join(make_missing_keys(installation)) or 'nothing was missing'}")
        return 0
    return init_app(installation, choices, os.environ, terminal)
