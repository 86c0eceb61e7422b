"""A JSON schema in the subset that a provider enforces. What it cannot enforce is left out: the answer is checked here anyway.

Sources: developers.openai.com/api/docs/guides/structured-outputs, platform.claude.com/docs/en/build-with-claude/
structured-outputs, ai.google.dev/gemini-api/docs/structured-output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMMON = frozenset(
    "type enum const items properties required anyOf $ref $defs additionalProperties description".split()
)
DIALECTS: Mapping[str, frozenset[str]] = {
    "openai": _COMMON | frozenset("minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems".split()),
    "anthropic": _COMMON,
    "gemini": _COMMON - {"const"} | frozenset("minimum maximum minItems maxItems".split()),
}
"""Keywords that each provider takes. Patterns are left out everywhere: their regular expressions are not ours."""


def translated(schema: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    """Every object closed, every property required (all three are at their best so, OpenAI takes nothing else).

    A property that could be left out and has no default becomes nullable, so that leaving it out can still be said.
    """
    keywords = DIALECTS[dialect]
    made: dict[str, Any] = {}
    for key, value in schema.items():
        match key:
            case "const" if "const" not in keywords:
                made["enum"] = [value]
            case _ if key not in keywords:
                continue
            case "properties":
                needed = schema.get("required", ())
                made[key] = {
                    name: _property(each, dialect, needed=name in needed or "default" in each)
                    for name, each in value.items()
                }
            case "$defs":
                made[key] = {name: translated(each, dialect) for name, each in value.items()}
            case "anyOf":
                made[key] = [translated(each, dialect) for each in value]
            case "items":
                made[key] = translated(value, dialect)
            case _:
                made[key] = value
    if "properties" in made:
        made |= {"required": list(made["properties"]), "additionalProperties": False}
    return made


def _property(schema: Mapping[str, Any], dialect: str, *, needed: bool) -> dict[str, Any]:
    made = translated(schema, dialect)
    if needed or {"type": "null"} in made.get("anyOf", ()):
        return made
    return {"anyOf": [made, {"type": "null"}]}
