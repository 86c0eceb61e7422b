"""Options that several commands have, spelt once."""

from __future__ import annotations

from typing import Annotated

import typer

from local.trial.exits import PATIENCE_S

Json = Annotated[bool, typer.Option("--json", help="One object, on one line, at the end; the story goes to stderr.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One object a line.")]
JsonObject = Annotated[bool, typer.Option("--json", help="One object, on one line.")]
Patience = Annotated[
    float, typer.Option("--patience", help="Seconds without any change after which it ends red.", min=1, hidden=True)
]
Through = Annotated[
    str,
    typer.Option(
        metavar="PROVIDER",
        help="Serve the conversation in the format of anthropic, openai, gemini or compatible, over HTTP on this machine.",
    ),
]
Aws = Annotated[bool, typer.Option("--aws", help="The installation on AWS instead of this machine.")]
Stack = Annotated[str, typer.Option(metavar="NAME", help="The stack's name, where it is another one.")]
Region = Annotated[str, typer.Option(metavar="NAME", help="The AWS region; else as AWS's own tools choose it.")]
Job = Annotated[str, typer.Argument(metavar="JOB", help="as `persevere status` shows it")]

__all__ = ["PATIENCE_S", "Aws", "Job", "Json", "JsonLines", "JsonObject", "Patience", "Region", "Stack", "Through"]
