"""`.github/persevere.yml`: what a repository chooses. It may tighten or choose within the operator's ceilings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from shared.domain.money import parse_dollars, parse_seconds
from shared.domain.shape import Strict


class RepositorySettings(Strict):
    """Every key that the file may have. Unknown keys are errors."""

    setup: str | None = Field(default=None, description="command that prepares a fresh clone")
    tests: str | None = Field(default=None, description="command that runs the repository's own tests")
    budget: str | None = Field(default=None, description="money of one job, such as $5")
    time: str | None = Field(default=None, description="container time of one job, such as 60m")
    model: str | None = Field(default=None, description="model that works here, inside the operator's list")
    check_seconds: int | None = Field(default=None, ge=1, le=3600, description="seconds that one check may run")
    approval: Literal["any", "exact"] = Field(default="any", description="exact: the fingerprint must be typed")
    approvers: Literal["write", "maintain"] = Field(default="write", description="the role that approves")
    two_person: bool = Field(default=False, description="who asked may not approve alone")
    pull_request: Literal["proved", "early"] = Field(default="proved", description="early: at the first commit")
    network: Literal["local", "none"] = Field(default="local", description="network of agent and proof")
    environment: dict[str, str] = Field(default_factory=dict, description="variables for set-up and checks")
    protected: tuple[str, ...] = Field(default=(), description="more paths that a change may not touch")

    @field_validator("budget")
    @classmethod
    def _money(cls, value: str | None) -> str | None:
        if value is not None and not parse_dollars(value):
            raise ValueError("an amount like $5 or $1.50 is wanted")
        return value

    @field_validator("time")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None and not parse_seconds(value):
            raise ValueError("a time like 30m or 1h is wanted")
        return value

    @property
    def nano(self) -> int | None:
        return None if self.budget is None else parse_dollars(self.budget)

    @property
    def seconds(self) -> int | None:
        return None if self.time is None else parse_seconds(self.time)


class BadSettings(ValueError):
    """The file is wrong. `line` counts from 1 (0: unknown)."""

    def __init__(self, what: str, line: int = 0, key: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.key = what, line, key


def read_settings(document: Any, lines: dict[str, int]) -> RepositorySettings:
    """Typed settings from the parsed file (None: an empty one). `lines` says where each top-level key stands.

    Raises BadSettings with the line and, for an unknown key, the nearest known one.
    """
    if document is None:
        return RepositorySettings()
    if not isinstance(document, dict):
        raise BadSettings("a mapping of settings is wanted", 1)
    try:
        return RepositorySettings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            raise BadSettings(f"no such setting `{key}`", lines.get(key, 0), key) from error
        raise BadSettings(f"`{key}`: {first['msg']}", lines.get(key, 0)) from error
