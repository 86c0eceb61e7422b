"""`persevere ask`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from local.cli.options import JsonObject

SHORT = "One question to a model; shows that its key works."


def ask(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="as <provider>:<name>")],
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    json: JsonObject = False,
) -> None:
    """Ask a model one question, through the same gateway as everything else, and see tokens and price.

    The answer goes to stdout, what it cost to stderr. At most $0.25 is held for it.
    """
    from local.cli import asking

    asking.ask(os.environ, model, question, json_line=json)
