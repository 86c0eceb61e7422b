"""The emulator with a switch for its own check of signatures and rights (`AUTH`): SIGUSR1 is on, SIGUSR2 is off. While it
is on, who asked for what is noted in the file that is named as argument, each once, with whether it was allowed.

Run by the emulator's interpreter. Off while `cdk` deploys: the emulator refuses the bootstrap stack's own publishing role.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any


def switch(number: int, frame: FrameType | None) -> None:
    from ministack import app

    app.AUTH = number == signal.SIGUSR1


def note_into(path: str) -> None:
    """Stand before the emulator's own decision, and change nothing of it."""
    from ministack.core import iam_evaluator
    from ministack.services import sts

    decide, noted = iam_evaluator.enforce, set()

    def enforce(access_key_id: str, iam_action: str, service: str, region: str, *more: Any, **named: Any) -> Any:
        result = decide(access_key_id, iam_action, service, region, *more, **named)
        who = str((sts._sessions.get(access_key_id) or {}).get("Arn", "")).rpartition("/")[2]
        resource = named.get("resource_arn") or (more[0] if more else "*")
        line = json.dumps([who, iam_action, resource, result is None])
        if who and line not in noted:
            noted.add(line)
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        return result

    iam_evaluator.enforce = enforce


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, switch)
    signal.signal(signal.SIGUSR2, switch)
    note_into(sys.argv.pop(1))
    runpy.run_module("ministack", run_name="__main__")
