"""What the runner is told by its environment. Two names are needed; the others have defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.domain.protocol import HEARTBEAT_S, LEASE_S

UNREACHABLE_AFTER_S = LEASE_S + 300


class BadSettings(ValueError):
    """The environment does not say enough to begin; the text names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`api` without a trailing slash. `work` is where the job's directory is made (the system's temporary one when None).

    `allow_file_clone` lets `file://` be cloned; nothing but tests sets it.
    """

    api: str
    ticket: str
    sandbox: str | None = None
    python: str | None = None
    work: Path | None = None
    heartbeat_s: float = HEARTBEAT_S
    unreachable_after_s: float = UNREACHABLE_AFTER_S
    allow_file_clone: bool = False


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises BadSettings."""
    for name in ("PERSEVERE_API", "PERSEVERE_TICKET"):
        if not environment.get(name):
            raise BadSettings(f"{name} is not set")
    work = environment.get("PERSEVERE_WORK")
    return Settings(
        api=environment["PERSEVERE_API"].rstrip("/"),
        ticket=environment["PERSEVERE_TICKET"],
        sandbox=environment.get("PERSEVERE_SANDBOX") or None,
        python=environment.get("PERSEVERE_PYTHON") or None,
        work=Path(work).resolve() if work else None,
        heartbeat_s=_seconds(environment, "PERSEVERE_HEARTBEAT_S", HEARTBEAT_S),
        unreachable_after_s=_seconds(environment, "PERSEVERE_UNREACHABLE_AFTER_S", UNREACHABLE_AFTER_S),
        allow_file_clone=environment.get("PERSEVERE_ALLOW_FILE_CLONE") == "1",
    )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise BadSettings(f"{name} is {text!r}, not a number of seconds") from error
    if value <= 0:
        raise BadSettings(f"{name} must be more than 0 seconds")
    return value
