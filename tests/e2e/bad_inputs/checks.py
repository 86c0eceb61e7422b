"""Repositories without anything to run, and checks that do what no check should."""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import (
    REPAIRS,
    SAMPLE,
    SAYS_HELLO,
    build,
    criterion,
    finish,
    settings,
    spec,
    write,
)

BY_EYE = {"id": "AC-1", "kind": "person", "text": "the greeting reads well"}
NO_CHECK = {"greet.py": SAMPLE["greet.py"]}
LOOPS = "import time\ndef greet(name):\n    while True:\n        time.sleep(1)\n"

PRINTS = (
    "import sys, greet\n"
    "for _ in range(100):\n"
    "    sys.stdout.write('x' * 999_999 + '\\n')\n"
    "assert greet.greet('you') == 'hello you', greet.greet('you')\n"
)
FORKS = (
    "import os, sys, time, greet\n"
    "for _ in range(20):\n"
    "    if os.fork() == 0:\n"
    "        time.sleep(600)\n"
    "        sys.exit()\n"
    "assert greet.greet('you') == 'hello you', greet.greet('you')\n"
)
DAEMON = (
    "import os, sys, time, greet\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        for number in range(3):\n"
    "            os.close(number)\n"
    "        time.sleep(600)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
    "assert greet.greet('you') == 'hello you', greet.greet('you')\n"
)


def build_it(place: Place) -> None:
    place.build()


def proved_by(name: str, program: str, tell_tale: str, printed: str = "") -> Row:
    """A check that behaves badly and is still believed, since it ends. Nothing of it is left on the machine."""
    tell_tale += f"_{os.getpid()}"  # the machine may be at another run as well
    check = criterion("AC-1", "new", "greet says hello", f"python {tell_tale}.py")

    def gone(place: Place) -> None:
        left = [pid for pid in Path("/proc").glob("[0-9]*") if tell_tale in _command_of(pid)]
        assert left == []

    return Row(
        name,
        build_it,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        checks={"Persevere": "success | 1 of 1 criterion holds", "Persevere / AC-1": printed or "success | proved"},
        pull="**1 of 1 criterion holds on `",
        files={**SAMPLE, f"{tell_tale}.py": program},
        script=(spec(check), *REPAIRS),
        more=gone,
    )


def _command_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:  # it ended meanwhile
        return ""


def plan_only(place: Place) -> None:
    place.plan()


ROWS = (
    Row(
        "an empty repository",
        plan_only,
        "idle",
        reply="**Not started: this repository has no commit yet.** There is nothing to build on.",
        reactions=("confused",),
        files=None,
    ),
    Row(
        "no check command",
        build_it,
        "in_review",
        status="; AC-1 is your call.",
        pull="Judge AC-1, then `/persevere accept AC-1 <why>`.",
        pull_state="ready",
        checks={"Persevere": "action_required | 0 of 1 hold", "Persevere / AC-1": "neutral | your call"},
        files=NO_CHECK,
        script=(spec(BY_EYE), *REPAIRS),
    ),
    Row(
        "a check that never ends",
        build_it,
        "waiting",
        status="**Waiting: AC-1 could not be proved",
        reply="the check could not run: it did not end within 8 s",
        pull="Not ready on purpose",
        pull_state="draft",
        checks={"Persevere": "action_required | ", "Persevere / AC-1": "neutral | unproven · the check could not run"},
        files=settings("check_seconds: 8\n"),
        script=(
            spec(criterion("AC-1", "new", "greet says hello", SAYS_HELLO)),
            build(write("greet.py", LOOPS), finish()),
        ),
    ),
    Row(
        "a check that exits 127",
        build_it,
        "proposed",
        status="**Spec v1 cannot be approved yet**",
        reply="- AC-1: exit code 127: a command was not found",
        reactions=("confused",),
        script=(spec(criterion("AC-1", "new", "greet says hello", "no-such-program greet.py")),),
    ),
    proved_by("a check that prints 100 MB", PRINTS, "check_prints", "of 100,000,000 bytes are left out here"),
    proved_by("a check that forks", FORKS, "check_forks"),
    proved_by("a check that leaves a daemon", DAEMON, "check_daemon"),
)
