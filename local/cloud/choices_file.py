"""What a command writes into the operator's choices (`infra/choices.toml`): whose App it is, and the model."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from local.trial.terminal import Terminal

CHOICES = Path(__file__).resolve().parents[2] / "infra" / "choices.toml"


def note_app(app_id: int, slug: str, file: Path, terminal: Terminal) -> bool:
    """Write whose App it is into the choices; False where that stood there."""
    text = file.read_text("utf-8")
    noted = _with(_with(text, "app_id", app_id), "app_slug", slug)
    if noted == text:
        return False
    file.write_text(noted, "utf-8")
    terminal.line(f'  Noted in {file.parent.name}/{file.name}: app_id = {app_id}, app_slug = "{slug}"')
    return True


def note_model(model: str, file: Path) -> bool:
    """False where the operator has chosen one."""
    text = file.read_text("utf-8")
    if tomllib.loads(text).get("model"):
        return False
    file.write_text(_with(text, "model", model), "utf-8")
    return True


def _with(text: str, name: str, value: int | str) -> str:
    """The file with that line; one that was left out is written at its end."""
    if tomllib.loads(text).get(name) == value:
        return text
    line = f"{name} = {json.dumps(value)}"
    changed, count = re.subn(rf"(?m)^[ \t]*{name}[ \t]*=.*$", lambda _: line, text)
    if count:
        return changed
    return text + ("" if not text or text.endswith("\n") else "\n") + line + "\n"
