"""Events on standard error, one JSON object a line. Never bodies, tokens or what a command printed."""

from __future__ import annotations

import json
import sys


def log(event: str, **keys: object) -> None:
    """`event` is `thing.happened`; values are short."""
    print(json.dumps({"event": event, **keys}, default=str), file=sys.stderr, flush=True)
