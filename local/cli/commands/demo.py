"""`persevere demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from local.cli.options import PATIENCE_S, Json, Patience, Through

SHORT = "A sample's issue becomes a proved pull request."


def demo(
    json: Json = False,
    home: Annotated[Path, typer.Option(help="Where its files go; those of an earlier demo are removed.")] = Path(
        ".demo"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Keep table, logs and repository afterwards.")] = False,
    kill_runner_at: Annotated[
        int | None,
        typer.Option("--kill-runner-at", metavar="N", min=1, help="Kill the agent's machine at its N-th step."),
    ] = None,
    strike: Annotated[str, typer.Option(help="When to kill which machine (local/strikes.py).", hidden=True)] = "",
    through: Through = "",
    patience: Patience = PATIENCE_S,
) -> None:
    """An issue of a small sample becomes a proved pull request, on a simulated GitHub with a scripted model.

    Ends with 0 only where everything is proved. Without bubblewrap its own sample runs unfenced, and it says so.
    """
    from local.demo.run import demo as run

    strike = f"step:{kill_runner_at}" if kill_runner_at else strike
    raise typer.Exit(
        run(
            os.environ,
            home.absolute(),
            json_line=json,
            keep=keep,
            through=through,
            patience_s=patience,
            strike=strike,
        )
    )
