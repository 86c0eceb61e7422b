"""What every format has in common: a request that is refused, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROBLEMS: Mapping[str, int] = {
    "key": 401,
    "model": 404,
    "too_long": 400,
    "spend_cap": 400,
    "wrong": 400,
    "nothing_left": 400,
}


class Refused(Exception):
    """`problem` is one of PROBLEMS, or a status as text; `words` say more."""

    def __init__(self, problem: str, words: str = "") -> None:
        super().__init__(f"{problem}: {words}")
        self.problem, self.words = problem, words

    @property
    def status(self) -> int:
        return PROBLEMS.get(self.problem) or int(self.problem)


def demand(holds: Any, words: str) -> None:
    """Raises Refused where a documented rule does not hold."""
    if not holds:
        raise Refused("wrong", words)


def only(given: Mapping[str, Any], known: str, where: str) -> None:
    extra = set(given) - set(known.split())
    demand(not extra, f"{where}: {', '.join(sorted(extra))}: Extra inputs are not permitted")


def check_schema(schema: Any, allowed: frozenset[str], *, strict: bool) -> None:
    """A schema for an answer: only known keywords; closed objects, and with `strict` every property required."""
    if not isinstance(schema, dict):
        return
    extra = set(schema) - allowed
    demand(not extra, f"schema: {', '.join(sorted(extra))} is not permitted")
    if "properties" in schema:
        demand(schema.get("additionalProperties") is False, "schema: 'additionalProperties' must be false")
        if strict:
            demand(set(schema["required"]) == set(schema["properties"]), "schema: every property must be required")
    below = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    for each in [*below, schema.get("items")]:
        check_schema(each, allowed, strict=strict)
