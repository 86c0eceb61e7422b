"""The stack as `cdk` would synthesise it, once a session. `make test-infra` makes the environment that it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.synth import Assembly, synthesise

Synth = Callable[..., Assembly]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """With every part that a choice can bring, and held against AWS's own rules."""
    context = {"check": "true", "image": "codebuild", "alarm_email": "octocat@example.com"}
    return synthesise(tmp_path_factory.mktemp("cdk") / "out", context)


@pytest.fixture(scope="session")
def template(assembly: Assembly) -> dict[str, Any]:
    return assembly.template


@pytest.fixture
def synth(tmp_path: Path) -> Synth:
    """Another stack, by other choices."""
    return lambda **choices: synthesise(tmp_path / "out", choices)


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Properties of every resource of that type, by logical id."""
    return {key: each.get("Properties", {}) for key, each in template["Resources"].items() if each["Type"] == kind}


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (one,) = of_type(template, kind).values()
    return one


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The control plane's functions by their own names (`conductor`), without the one that waits for the image."""
    found = of_type(template, "AWS::Lambda::Function").values()
    return {each["FunctionName"].removeprefix("Persevere-"): each for each in found if "FunctionName" in each}
