"""`persevere case`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from local.cli.options import PATIENCE_S, Json, Patience, Through

SHORT = "A real issue, with what a model really answered."


def case(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="case.toml, issue.md, published_trajectory.jsonl")],
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A conversation that goes on where the published steps end.")
    ] = None,
    json: Json = False,
    through: Through = "",
    patience: Patience = PATIENCE_S,
) -> None:
    """A real issue of a real project, with what a model really answered, through the whole product.

    Ends with 0 proved, 1 red, 2 a case that cannot be run, 3 it waits for a person, 4 no network. docs/cases.md has the
    keys of case.toml and the form of answers.
    """
    from local.case.run import case as run

    raise typer.Exit(
        run(os.environ, directory.absolute(), answers, json_line=json, through=through, patience_s=patience)
    )
