"""`python -m local.model_server --script FILE [--port 0] [--ready-file F]`: the scripted provider as a process of its own."""

import argparse
import sys
from pathlib import Path

from local.model_server.server import Desk, ModelServer
from local.ready import announce, until_told
from local.scripted_model import ScriptedModel


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Raises NotConfigured for a script that is missing or wrong."""
    parser = argparse.ArgumentParser(prog="python -m local.model_server", description="a model provider, scripted")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--script", type=Path, required=True, help="the conversation file")
    parser.add_argument("--ready-file", type=Path, help="written with the address when questions are answered")
    options = parser.parse_args(argv)

    over = until_told()
    with ModelServer(Desk(ScriptedModel.load(options.script).lines), options.port) as server:
        announce(server.url, options.ready_file)
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
