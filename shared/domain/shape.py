"""The two bases of every typed value that is stored or sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Immutable; unknown fields are ignored, so that an older reader survives a newer writer's extra field."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Strict(BaseModel):
    """Immutable; an unknown field is an error. For what a person writes (settings) and for what a runner sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")
