"""The `octo` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from octo.export import write_rows
from octo.invoices import load, total


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 when the command line is wrong (argparse)."""
    parser = argparse.ArgumentParser(prog="octo")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write all invoices as CSV")
    export.add_argument("source", type=Path)
    export.add_argument("target", type=Path, nargs="?", help="standard output when left out")
    add = commands.add_parser("total", help="print the sum of all amounts")
    add.add_argument("source", type=Path)
    options = parser.parse_args(arguments)

    invoices = load(options.source)
    if options.command == "total":
        print(f"{total(invoices):.2f}")  # noqa: T201
    elif options.target is None:
        write_rows(invoices, sys.stdout)
    else:
        with options.target.open("w", encoding="utf-8", newline="") as out:
            write_rows(invoices, out)
    return 0
