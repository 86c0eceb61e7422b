"""`python -m local.github --port 0 --home DIR [--ready-file F]`: the simulator as a process of its own."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from local.github.server import start


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the ready file holds `{"url", "pid"}` once requests are answered."""
    parser = argparse.ArgumentParser(prog="python -m local.github", description="a GitHub with state, on this machine")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--home", type=Path, required=True, help="where the bare repositories are kept")
    parser.add_argument("--ready-file", type=Path, help="written with the address when requests are answered")
    options = parser.parse_args(argv)

    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    simulator = start(options.home, port=options.port)
    ready = json.dumps({"url": simulator.url, "pid": os.getpid()})
    if options.ready_file:
        # Renamed into place, so that a reader never sees half of it.
        part = options.ready_file.with_name(options.ready_file.name + ".part")
        part.write_text(ready)
        part.replace(options.ready_file)
    sys.stdout.write(ready + "\n")
    sys.stdout.flush()
    over.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
