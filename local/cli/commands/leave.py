"""`persevere leave`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from local.cli.options import Aws, Region, Stack

SHORT = "Take Persevere's unfinished things out of a repository."


def leave(
    repository: Annotated[str, typer.Argument(metavar="OWNER/REPO")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where specs, approvals, evidence and ledgers go as JSON.")
    ] = None,
    aws: Aws = False,
    stack: Stack = "Persevere",
    region: Region = "",
) -> None:
    """List our open drafts, unmerged branches, label and queued jobs in a repository; ask; close and delete them.

    Everything that is known of it is exported before it is forgotten. Merged work and comments stay.
    """
    from local.cloud.installation import Installation
    from local.cloud.leave import leave as run
    from local.cloud.leaving import here_on_aws, here_on_this_machine
    from local.trial.terminal import Terminal

    if aws:
        installation = Installation(stack, region, os.environ.get("AWS_ENDPOINT_URL"), os.environ)
        here = here_on_aws(installation, os.environ)
    else:
        here = here_on_this_machine(os.environ)
    file = export or Path(f"persevere-{repository.replace('/', '-')}.json")
    raise typer.Exit(run(here, repository, file.absolute(), Terminal(sys.stdout), yes=yes))
