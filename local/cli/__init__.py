"""The `persevere` command."""

from __future__ import annotations

import sys


def main() -> None:
    """The console's entry point; Ctrl-C is no fault while it is still being loaded, either."""
    try:
        from local.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell says of SIGINT
