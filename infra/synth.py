"""Synthesise the stack without the `cdk` command, as it would: for tests, tables and `persevere deploy`'s preview."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-infra" / "bin" / "python"
_BANNER = re.compile(r"^b?'?!!.*$\n?", re.MULTILINE)
"""What the CDK's kernel says of Node versions that its makers do not test any more; it works with them."""


class CannotSynthesise(Exception):
    """No template came out; the text is what the app said."""


@dataclass(frozen=True)
class Assembly:
    """What came out: the directory that `cdk deploy --app <directory>` takes."""

    directory: Path
    said: str

    @property
    def template_file(self) -> Path:
        return next(iter(sorted(self.directory.glob("*.template.json"))))

    @property
    def template(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.template_file.read_text("utf-8"))
        return read


def synthesise(directory: Path, context: Mapping[str, str], *, staged: bool = False) -> Assembly:
    """`context` as `cdk -c` would give it; `staged` copies the packages beside the template. Raises CannotSynthesise."""
    if not PYTHON.exists():
        raise CannotSynthesise("there is no .venv-infra; make it with: bin/setup-infra")
    settings = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    settings |= {"aws:cdk:enable-path-metadata": True, "aws:cdk:disable-asset-staging": not staged}
    environment = os.environ | {"CDK_CONTEXT_JSON": json.dumps(settings | context), "CDK_OUTDIR": str(directory)}
    ran = subprocess.run(
        [str(PYTHON), "-m", "infra.app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    said = _BANNER.sub("", ran.stdout + ran.stderr).strip()
    if ran.returncode:
        raise CannotSynthesise(said)
    return Assembly(directory, said)
