"""`python -m local.model_server --script FILE [--port 0] [--ready-file F]`: the scripted provider as a process of its own."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from local.model_server.server import Desk, ModelServer
from local.scripted_model import ScriptedModel


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the ready file holds `{"url", "pid"}` once requests are answered."""
    parser = argparse.ArgumentParser(prog="python -m local.model_server", description="a model provider, scripted")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--script", type=Path, required=True, help="the conversation file")
    parser.add_argument("--ready-file", type=Path, help="written with the address when requests are answered")
    options = parser.parse_args(argv)

    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with ModelServer(Desk(ScriptedModel.load(options.script).lines), options.port) as server:
        ready = json.dumps({"url": server.url, "pid": os.getpid()})
        if options.ready_file:
            part = options.ready_file.with_name(options.ready_file.name + ".part")
            part.write_text(ready)
            part.replace(options.ready_file)
        sys.stdout.write(ready + "\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
