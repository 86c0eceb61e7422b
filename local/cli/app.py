"""`persevere`: the demo, cases, and a look at the jobs of this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from local.trial.exits import BAD, INTERRUPTED, OFFLINE, PATIENCE_S, RED
from shared.errors import Final, NotConfigured

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Turns an issue into proved, reviewable software. Settings are PERSEVERE_* variables; PERSEVERE_HOME is where "
    "a world on this machine keeps its table, blobs, keys and logs.",
)

Json = Annotated[bool, typer.Option("--json", help="One object, on one line, at the end; the story goes to stderr.")]
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


@app.command(short_help="A sample's issue becomes a proved pull request.")
def demo(
    json: Json = False,
    home: Annotated[Path, typer.Option(help="Where its files go; those of an earlier demo are removed.")] = Path(
        ".demo"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Keep table, logs and repository afterwards.")] = False,
    through: Through = "",
    patience: Patience = PATIENCE_S,
) -> None:
    """An issue of a small sample becomes a proved pull request, on a simulated GitHub with a scripted model.

    Ends with 0 only where everything is proved. Without bubblewrap its own sample runs unfenced, and it says so.
    """
    from local.demo.run import demo as run

    raise typer.Exit(run(os.environ, home.absolute(), json_line=json, keep=keep, through=through, patience_s=patience))


@app.command(short_help="A real issue, with what a model really answered.")
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

    Ends with 0 proved, 1 red, 2 a case that cannot be run, 3 it waits for a person, 4 no network.
    """
    from local.case.run import case as run

    raise typer.Exit(
        run(os.environ, directory.absolute(), answers, json_line=json, through=through, patience_s=patience)
    )


@app.command(short_help="Issues, jobs and money of PERSEVERE_HOME.")
def status(json: Annotated[bool, typer.Option("--json", help="A list, on one line.")] = False) -> None:
    """Every issue of PERSEVERE_HOME: where it stands, its jobs, its money.

    After `persevere demo --keep` that is .demo/home, after `persevere case` it is case/home below PERSEVERE_HOME.
    """
    from local.cli import looking

    looking.status(os.environ, json_line=json)


@app.command()
def events(
    job: Annotated[str, typer.Argument(metavar="JOB", help="as `persevere status` shows it")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job is over.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False,
) -> None:
    """The timeline of one job."""
    from local.cli import looking

    looking.events(os.environ, job, follow=follow, json_line=json)


@app.command()
def stop(job: Annotated[str, typer.Argument(metavar="JOB", help="as `persevere status` shows it")]) -> None:
    """End a job; the work is kept.

    Nothing here goes around the door: in a simulated world this writes the comment `/persevere stop` as the person who
    asked for the job; elsewhere it prints the line, for you to comment.
    """
    from local.cli import looking

    looking.stop(os.environ, job)


def main() -> None:
    """The console's entry point. What cannot be done is one line, and what to do about it."""
    try:
        app()
    except Final as error:
        sys.stderr.write(f"FAIL  {error}\n")
        if error.advice:
            sys.stderr.write(f"      {error.advice}\n")
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def code_of(error: Final) -> int:
    """What a shell is told. Only who has failed loads what there is to fail in."""
    from local.case.case_file import BadCase
    from local.case.sdist import NoIndex
    from local.trial.fence import NoFence

    match error:
        case NoIndex():
            return OFFLINE
        case BadCase() | NoFence() | NotConfigured():
            return BAD
        case _:
            return RED
