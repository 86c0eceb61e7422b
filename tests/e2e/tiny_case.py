"""A case of the published form, small enough to be run again and again without a network.

Its library turns amounts into cents by way of a float: "0.29" becomes 28. Rounding repairs that and breaks that a part
of a cent is cut off; Decimal does both. Set-up is an editable install of a src layout: a `.pth` into the workspace.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.demo.run import HERE
from local.demo.wheels import pack
from local.trial.fence import find_fence
from tests.e2e.machine import machine

BEFORE = "    return int(float(text) * 100)"
ROUNDED = "    return round(float(text) * 100)"
RIGHT = "    from decimal import Decimal\n\n    return int(Decimal(text) * 100)"
BREAKS_TESTS = "    from decimal import Decimal\n\n    return int(Decimal(text) * 100) if text != '1.50' else 151"

SOURCE = {
    "src/octo_lib/__init__.py": f'"""Amounts."""\n\n\ndef cents(text):\n    """Whole cents; a part of one is cut off."""\n{BEFORE}\n',
    "tests/test_cents.py": (
        "import pytest\n\nfrom octo_lib import cents\n\n\n"
        "@pytest.mark.parametrize(('text', 'whole'), [('1.50', 150), ('0', 0), ('12', 1200)])\n"
        "def test_cents(text, whole):\n    assert cents(text) == whole\n"
    ),
    "setup.py": "raise SystemExit('nobody may run this to learn a name')\n",
    ".gitignore": ".venv/\n__pycache__/\n.pytest_cache/\n",
    # Says what a record would say, and is called what a runner of tests is called.
    "tools/pytest": (
        "#!/bin/sh\n"
        'record="<testsuites><testsuite name=\\"pytest\\" errors=\\"0\\" failures=\\"0\\" skipped=\\"0\\" tests=\\"1\\"'
        ' time=\\"0.1\\" timestamp=\\"2020-01-01T00:00:00\\"><testcase classname=\\"a\\" name=\\"b\\"/></testsuite></testsuites>"\n'
        'echo "$record"\n'
        'for word in $PYTEST_ADDOPTS; do case $word in --junitxml=*) echo "$record" > "${word#--junitxml=}";; esac; done\n'
    ),
    "tools/setup.sh": (
        (HERE / "sample/tools/setup.sh").read_text("utf-8")
        + 'echo "$PWD/src" > "$(ls -d .venv/lib/python3*/site-packages)/octo_lib.pth"\n'
    ),
}


FAKES_THE_RECORD = (
    "import os, sys\n\n"
    'record = \'<testsuites><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="1" time="0.01" \'\n'
    "record += 'timestamp=\"2020-01-01T00:00:00+00:00\">'\n"
    'record += \'<testcase classname="tests.test_cents" name="test_cents[1.50-150]" time="0"/></testsuite></testsuites>\'\n'
    "for word in os.environ.get('PYTEST_ADDOPTS', '').split():\n"
    "    if word.startswith('--junitxml='):\n"
    "        open(word[len('--junitxml='):], 'w').write(record)\n"
    "print(record)\n"
    "sys.stdout.flush()\n"
    "os._exit(0)\n"
)


def criterion(number: int, kind: str, check: str, text: str = "it holds") -> dict[str, str]:
    at_base = {"new": "fails", "keep": "passes"}[kind]
    return {"id": f"AC-{number}", "kind": kind, "at_base": at_base, "text": text, "check": check}


AC1 = criterion(1, "new", """.venv/bin/python -c "from octo_lib import cents; assert cents('0.29') == 29" """.strip())
AC2 = criterion(2, "keep", """.venv/bin/python -c "from octo_lib import cents; assert cents('0.999') == 99" """.strip())
AC3 = criterion(3, "keep", ".venv/bin/python -m pytest -q")
FAKE = criterion(4, "keep", "sh tools/pytest -q")

# The same without any environment to set up: for what is not about set-up or tests.
LIGHT = "true"
LIGHT1 = criterion(
    1, "new", """PYTHONPATH=src python -c "from octo_lib import cents; assert cents('0.29') == 29" """.strip()
)
LIGHT2 = criterion(
    2, "keep", """PYTHONPATH=src python -c "from octo_lib import cents; assert cents('0.999') == 99" """.strip()
)


def step(action: str, observation: str = "", thought: str = "I go on.") -> dict[str, str]:
    return {"thought": thought, "action": action, "observation": observation}


def fix(body: str) -> list[dict[str, str]]:
    """The published steps of an agent that makes one edit."""
    shown = "[File: /testbed/src/octo_lib/__init__.py (6 lines total)]\r\n" + "\r\n".join(
        f"{number}:{line}" for number, line in enumerate(SOURCE["src/octo_lib/__init__.py"].split("\n")[:-1], start=1)
    )
    return [
        step("python -c \"from octo_lib import cents; print(cents('0.29'))\"", "28"),
        step("open src/octo_lib/__init__.py", shown),
        step(f"edit 6:6\n{body}\nend_of_edit", shown),
        step("cd /testbed/tests && python -m pytest -q .", "3 passed"),
        step("submit", thought="cents is exact now, and everything that was asked for holds."),
    ]


def answer(text: str, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"for": "build", "text": text, "calls": [{"tool": tool, "args": args} for tool, args in calls]}


REPAIR = [
    answer(
        "Rounding was wrong: a part of a cent is cut off.",
        ("edit", {"path": "src/octo_lib/__init__.py", "changes": [{"old": ROUNDED, "new": RIGHT}]}),
    ),
    answer("It is exact now.", ("finish", {"summary": "cents uses Decimal, which is exact and cuts off."})),
]


@dataclass
class TinyCase:
    """One case below `root`. `run` runs the command on it, in an environment without any index."""

    root: Path
    wheels: Path
    criteria: Sequence[Mapping[str, str]]
    steps: Sequence[Mapping[str, str]]
    answers: Sequence[Mapping[str, Any]] = ()
    python: str = ">=3.9"
    setup: str = "sh tools/setup.sh"
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        rows = [
            "[repository]",
            'full_name = "octo-org/octo-lib"',
            'sdist = "octo-lib==1.2.0"',
            f'python = "{self.python}"',
        ]
        rows += [f'setup = "{self.setup}"', 'full_tests = ".venv/bin/python -m pytest -q"']
        for each in self.criteria:
            rows += ["[[criteria]]", *(f"{name} = {json.dumps(value)}" for name, value in each.items())]
        self.directory.mkdir(parents=True)
        (self.directory / "case.toml").write_text("\n".join(rows) + "\n")
        (self.directory / "issue.md").write_text("Cents are off by one\n\n`cents('0.29')` gives 28, it should be 29.\n")
        _lines(self.directory / "published_trajectory.jsonl", self.steps)
        if self.answers:
            _lines(self.directory.with_name("answers.jsonl"), self.answers)
        links = self.root / "links"
        links.mkdir()
        links.chmod(0o755)  # set-up runs as somebody else
        _write_sdist(links / "octo_lib-1.2.0.tar.gz")
        self.environment = machine() | {
            "PERSEVERE_HOME": str(self.root / "home"),
            "PERSEVERE_SANDBOX": find_fence("", None, may_fall=True).name,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"{links} {self.wheels}",
        }

    @property
    def directory(self) -> Path:
        return self.root / "case"

    @property
    def answers_file(self) -> Path | None:
        return self.directory.with_name("answers.jsonl") if self.answers else None

    def run(self) -> tuple[int, dict[str, Any], str]:
        """(exit code, the JSON object or {}, the story)."""
        more = ["--answers", str(self.answers_file)] if self.answers else []
        command = [sys.executable, "-m", "local.cli", "case", str(self.directory), "--json", *more]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=800, check=False)
        lines = ran.stdout.splitlines()
        assert len(lines) <= 1, ran.stdout
        return ran.returncode, json.loads(lines[0]) if lines else {}, ran.stderr


def _lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _write_sdist(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in SOURCE.items():
            info = tarfile.TarInfo(f"octo_lib-1.2.0/{name}")
            info.size, info.mode = len(text.encode()), 0o755 if name.startswith("tools/") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))


def make_wheels(directory: Path) -> Path:
    """Where set-up finds pytest."""
    assert pack(directory), "pytest is installed here, since it runs this"
    return directory


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that name a directory: nothing of a trial may be left."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(home) in line and "pytest" not in line.split("-m")[1:2]:
            found.append(line)
    return found
