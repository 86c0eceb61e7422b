"""README tells the truth about the commands and states of this version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_commands_and_states_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "bin" / "tables", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
