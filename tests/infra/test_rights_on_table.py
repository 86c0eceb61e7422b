"""What a function may write into the table is what the modules that it can come to write there, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.permissions import rows_of
from infra.reach import path_of, reach_of
from infra.synth import ROOT

WRITERS = ["conductor", "effects", "job_api", "planner", "watchdog"]
DECIDES = "shared.domain.workflow"
"""Others import its values; the conductor alone commits what it decides."""
NO_WRITERS = ("shared.aws", "shared.domain.record", "shared.ports")
"""What carries a change over, not what makes one."""


def writes(path: Path) -> Iterator[str]:
    """The single actions that DynamoDB checks for the changes that are made in a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="Delete")):
                yield "dynamodb:DeleteItem"
            case ast.Call(func=ast.Name(id="Check")):
                yield "dynamodb:ConditionCheckItem"
            case ast.Call(
                func=ast.Name(id="Put"), args=[_, ast.Name(id="ANY") | ast.Call(func=ast.Name(id="AtEpoch"))]
            ):
                yield "dynamodb:UpdateItem"
            case ast.Call(func=ast.Name(id="Put")):
                yield "dynamodb:PutItem"


def needed(function: str) -> set[str]:
    modules = reach_of(ROOT, f"functions.{function}.handler").modules
    paths = (
        path_of(ROOT, module)
        for module in modules
        if not module.startswith(NO_WRITERS) and (function == "conductor" or not module.startswith(DECIDES))
    )
    return {action for path in paths if path is not None for action in writes(path)}


@pytest.mark.parametrize("function", WRITERS)
def test_a_right_to_write_is_there_exactly_where_something_is_written_so(
    template: dict[str, Any], function: str
) -> None:
    may = {
        action
        for row in rows_of(template)
        if row.principal == function and row.resources == ("<Table/Table>",)
        for action in row.actions
    }
    assert may - {"dynamodb:GetItem", "dynamodb:Query"} == needed(function)
