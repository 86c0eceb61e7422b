"""`persevere doctor`."""

from __future__ import annotations

import os

import typer

from local.cli.options import Aws, JsonObject, Region, Stack

SHORT = "What is wrong here, and how to mend it."


def doctor(aws: Aws = False, stack: Stack = "Persevere", region: Region = "", json: JsonObject = False) -> None:
    """Look at this machine, the App, GitHub and the model; each finding names its fix. Nothing is changed or paid.

    Ends with 0 where nothing failed, 1 else.
    """
    from local.doctor.run import cloud_checks
    from local.doctor.run import doctor as run

    if aws:
        from local.cloud.installation import Installation
        from local.doctor.aws_context import CloudContext

        installation = Installation(stack, region, os.environ.get("AWS_ENDPOINT_URL"), os.environ)
        context = CloudContext.of(os.environ, installation)
        raise typer.Exit(run(os.environ, json_line=json, checks=cloud_checks(), context=context))
    raise typer.Exit(run(os.environ, json_line=json))
