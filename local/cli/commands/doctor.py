"""`persevere doctor`."""

from __future__ import annotations

import os

import typer

from local.cli.options import JsonObject

SHORT = "What is wrong here, and how to mend it."


def doctor(json: JsonObject = False) -> None:
    """Look at this machine, the App, GitHub and the model; each finding names its fix. Nothing is changed or paid.

    Ends with 0 where nothing failed, 1 else.
    """
    from local.doctor.run import doctor as run

    raise typer.Exit(run(os.environ, json_line=json))
