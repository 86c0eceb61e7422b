"""`persevere`: which commands there are, and how what cannot be done is told."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from local.cli.commands import ask, case, demo, deploy, doctor, events, init, leave, show, status, stop, up, usage
from local.trial.exits import BAD, INTERRUPTED, OFFLINE, RED
from shared.errors import Final, NotConfigured, Retryable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turns an issue into proved, reviewable software. Begin with `persevere demo`; on a repository of yours: "
    "`persevere init --local`, then `persevere up`. Settings are PERSEVERE_* variables; PERSEVERE_HOME "
    "(~/.local/share/persevere) is where table, blobs, keys and logs of this machine are.",
)

AWAY = "look at the network, and try again in some minutes; `persevere doctor` looks closer"
"""What to do where somebody else is busy, slow or away, and this command does not wait for it."""
MAKE_ROOM = (
    "make room on the disk, and let PERSEVERE_HOME (of a demo: --home) be a directory that you may write; "
    "`persevere doctor` looks closer"
)
DISK = dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM), MAKE_ROOM)

READS = (
    "Ends with 0 when it answers, be it with an empty list; 1 where what was named is not there, or nothing of it yet; "
    "2 for words or a setting that is wrong."
)
"""One rule for all who look at PERSEVERE_HOME."""


def _say_version(asked: bool) -> None:
    if asked:
        from local.cli.version import version

        sys.stdout.write(f"persevere {version()}\n")
        raise typer.Exit


@app.callback()
def persevere(
    _: Annotated[
        bool, typer.Option("--version", help="Which version this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """What comes before a command."""


# In the order of the help text.
app.command(short_help=demo.SHORT)(demo.demo)
app.command(short_help=case.SHORT)(case.case)
app.command(short_help=init.SHORT)(init.init)
app.command(short_help=up.SHORT)(up.up)
app.command(short_help=deploy.SHORT)(deploy.deploy)
app.command(short_help=doctor.SHORT)(doctor.doctor)
app.command(short_help=status.SHORT, epilog=READS)(status.status)
app.command(short_help=events.SHORT, epilog=READS)(events.events)
app.command(short_help=stop.SHORT, epilog=READS)(stop.stop)
app.command(short_help=show.SHORT, epilog=READS)(show.show)
app.command(short_help=usage.SHORT, epilog=READS)(usage.usage)
app.command(short_help=ask.SHORT)(ask.ask)
app.command(short_help=leave.SHORT)(leave.leave)


def main() -> None:
    """The console's entry point. What cannot be done is one line, and what to do about it."""
    try:
        app()
    except Final as error:
        _tell(str(error), error.advice)
        sys.exit(code_of(error))
    except Retryable as error:
        _tell(f"{whose(error)}{error}", advice_of(error))
        sys.exit(RED)
    except OSError as error:
        advice = DISK.get(error.errno or 0)
        if advice is None:
            raise
        _tell(f"{error.filename or 'a file of ours'}: {error.strerror}", advice)
        sys.exit(RED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _tell(what: str, advice: str) -> None:
    from local.trial.terminal import Terminal, takes_any_letter

    terminal = Terminal(sys.stderr, any_letter=takes_any_letter(sys.stderr))
    for number, line in enumerate(what.splitlines() or [""]):  # behind the first one, mostly what a program printed
        terminal.entry("      " if number else "FAIL  ", line)
    if advice:
        terminal.entry("      ", advice)


def advice_of(error: Retryable) -> str:
    from local.database import Unusable

    return MAKE_ROOM if isinstance(error, Unusable) else AWAY


def whose(error: Retryable) -> str:
    """Who is away, where the error's own words do not say it."""
    from shared.github.answers import NoAnswer

    return "GitHub does not answer: " if isinstance(error, NoAnswer) else ""


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
