"""`persevere show`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import JsonObject

SHORT = "What stands behind an issue: spec, evidence, ..."


def show(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="42, or octo-org/octo-repo#42")],
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="evidence, spec, transcript, ledger or changeset")
    ] = "evidence",
    json: JsonObject = False,
) -> None:
    """What stands behind an issue of PERSEVERE_HOME or its pull request.

    evidence: each criterion before and after, with its output. spec: the approved version, or the newest. transcript:
    what the model said and did. ledger: money and time. changeset: the files that were handed over last.
    """
    from local.cli import showing

    showing.show(os.environ, issue, what, json_line=json)
