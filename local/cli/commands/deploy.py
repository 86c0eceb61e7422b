"""`persevere deploy`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from local.cli.options import Region, Stack

SHORT = "Your own installation on AWS, or its next version."


def deploy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change and what it costs; change nothing.")
    ] = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Put right what was changed by hand in the account, too.")
    ] = False,
    context: Annotated[
        list[str] | None, typer.Option("-c", metavar="NAME=VALUE", help="Outdoes a line of infra/choices.toml.")
    ] = None,
    stack: Stack = "Persevere",
    region: Region = "",
) -> None:
    """Say what will be made or changed and what it costs, ask, and do it; then look whether all is well.

    The same command upgrades. Jobs that run go on. Choices are in infra/choices.toml.
    """
    from local.cloud.deploy import Choices
    from local.cloud.deploy import deploy as run
    from local.cloud.installation import Installation
    from local.trial.terminal import Terminal

    installation = Installation(stack, region, os.environ.get("AWS_ENDPOINT_URL"), os.environ)
    raise typer.Exit(run(installation, Choices(yes, dry_run, mend, tuple(context or ())), Terminal(sys.stdout)))
