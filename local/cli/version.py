"""Which version this is: of the tree that runs, else of what was installed."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def version(project: Path = PROJECT) -> str:
    """An installed copy has no pyproject.toml beside it; a tree may be newer than what was installed from it."""
    if not project.is_file():
        return metadata.version("persevere")
    return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
