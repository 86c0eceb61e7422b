"""`persevere events`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import Job, JsonLines

SHORT = "The timeline of one job."


def events(
    job: Job,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job is over.")] = False,
    json: JsonLines = False,
) -> None:
    """The timeline of one job."""
    from local.cli import looking

    looking.events(os.environ, job, follow=follow, json_line=json)
