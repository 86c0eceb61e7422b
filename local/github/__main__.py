"""`python -m local.github --port 0 --home DIR [--ready-file F]`: the simulator as a process of its own."""

import argparse
import sys
from pathlib import Path

from local.github.server import start
from local.ready import announce, until_told


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the ready file holds `{"url", "pid"}` once requests are answered."""
    parser = argparse.ArgumentParser(prog="python -m local.github", description="a GitHub with state, on this machine")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--home", type=Path, required=True, help="where the bare repositories are kept")
    parser.add_argument("--ready-file", type=Path, help="written with the address when requests are answered")
    options = parser.parse_args(argv)

    over = until_told()
    simulator = start(options.home, port=options.port)
    announce(simulator.url, options.ready_file)
    over.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
